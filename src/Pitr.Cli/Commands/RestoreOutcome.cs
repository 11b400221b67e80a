using Pitr.Postgres.Cluster;

namespace Pitr.Cli.Commands;

/// <summary>What came of a restore.</summary>
/// <param name="End">How recovery ended; null when PostgreSQL was not started.</param>
/// <param name="SocketDirectory">Where the running server listens; null when none runs.</param>
/// <param name="Port">Its port number.</param>
/// <param name="LastCommit">Last commit replayed, as far as it was seen.</param>
sealed record RestoreOutcome(RecoveryEnd? End, string? SocketDirectory, int Port, DateTimeOffset? LastCommit)
{
    /// <summary>Bytes that were there already and were kept.</summary>
    public long KeptBytes { get; init; }

    /// <summary>From the request to here.</summary>
    public TimeSpan Took { get; init; }
}
