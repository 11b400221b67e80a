using Pitr.Operations.Restore;

namespace Pitr.Operations.Groups;

/// <summary>One service's part of the journal while it is worked on.</summary>
/// <param name="record">As it is in the journal.</param>
/// <param name="save">Makes it durable.</param>
/// <param name="progress">Told what is done.</param>
public sealed class ComponentWork(ComponentRecord record, Action<ComponentRecord> save, IProgress<RestoreProgress>? progress)
{
    /// <summary>As it is in the journal.</summary>
    public ComponentRecord Record { get; private set; } = record;

    /// <summary>Told what is done.</summary>
    public IProgress<RestoreProgress>? Progress => progress;

    /// <summary>Makes a phase durable before it begins.</summary>
    /// <param name="phase">The phase.</param>
    /// <param name="mayGoOn">Whether the server may go on with it by itself if this process ends meanwhile.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Enter(ComponentPhase phase, bool mayGoOn = false)
    {
        var next = Record with { Phase = phase, MayGoOn = mayGoOn };
        save(next);
        Record = next;
    }

    /// <summary>Says what is done, without bytes.</summary>
    public void Report(string phase) => progress?.Report(new RestoreProgress($"{Record.Service}: {phase}", 0, 0));
}
