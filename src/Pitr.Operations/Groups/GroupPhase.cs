namespace Pitr.Operations.Groups;

/// <summary>How far the restore of a group has come; each begins when it is durable in the journal.</summary>
public enum GroupPhase
{
    /// <summary>Applications are being stopped; no service has been touched.</summary>
    Stopping,

    /// <summary>Services are being restored, one after the other.</summary>
    Restoring,

    /// <summary>Every service is restored; applications are being started.</summary>
    Starting,

    /// <summary>Applications run; whether they work is being asked.</summary>
    Checking,

    /// <summary>Everything works; what was there before is kept.</summary>
    Done,

    /// <summary>What was there is being removed, as somebody has asked for; there is no way back any more.</summary>
    Confirming,
}
