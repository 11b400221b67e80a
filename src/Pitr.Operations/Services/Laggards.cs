namespace Pitr.Operations.Services;

/// <summary>What becomes of the repositories that are still being written to when as many as required hold an object.</summary>
public enum Laggards
{
    /// <summary>They are waited for, unless they are failing: for content whose memory the caller uses again.</summary>
    Await,

    /// <summary>They go on behind the caller's back; what they lack is written down until they have it.</summary>
    LetRun,
}
