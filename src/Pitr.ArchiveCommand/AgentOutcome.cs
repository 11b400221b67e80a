namespace Pitr.ArchiveCommand;

/// <summary>How a conversation with the agent ended.</summary>
enum AgentOutcome
{
    /// <summary>A whole answer is there.</summary>
    Answered,

    /// <summary>There is no socket.</summary>
    Absent,

    /// <summary>The socket cannot be used: nobody listens, no permission, path too long.</summary>
    Unreachable,

    /// <summary>Somebody else's process listens.</summary>
    Untrusted,

    /// <summary>The connection ended before a whole answer.</summary>
    BrokenOff,

    /// <summary>The answer is none of protocol version 1.</summary>
    Unreadable,

    /// <summary>No whole answer came in time.</summary>
    TimedOut,
}
