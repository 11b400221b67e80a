using Pitr.Format.Wal;

namespace Pitr.Postgres.Cluster;

/// <summary>What kind of cluster <see cref="ScratchCluster"/> makes.</summary>
public sealed record ScratchClusterOptions
{
    public required BinDirectory BinDirectory { get; init; }

    /// <summary>New or empty directory for <c>data</c>, <c>socket</c> and <c>server.log</c>; short, as the socket's path is limited.</summary>
    public required string Directory { get; init; }

    public bool DataChecksums { get; init; } = true;

    public WalSegmentSize WalSegmentSize { get; init; } = WalSegmentSize.Default;

    /// <summary>Off only where losing the cluster in a crash does not matter: tests.</summary>
    public bool Fsync { get; init; } = true;

    /// <summary>Appended to postgresql.conf: archive_mode, archive_command, ….</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Added to the environment of the server.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    public ServerStopMode StopOnDispose { get; init; } = ServerStopMode.Fast;

    /// <summary>Remove <see cref="Directory"/> when disposed.</summary>
    public bool RemoveOnDispose { get; init; } = true;
}
