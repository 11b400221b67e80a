using Pitr.Postgres.Cluster;

namespace Pitr.Postgres.BaseBackup;

/// <summary>What <see cref="PgBaseBackup"/> takes.</summary>
public sealed record PgBaseBackupOptions
{
    /// <summary>Programs of the server's major version, or a newer one.</summary>
    public required BinDirectory BinDirectory { get; init; }

    /// <summary>As for <see cref="Sessions.PostgresSession"/>; the role needs REPLICATION and a <c>replication</c> line in pg_hba.conf.</summary>
    public required string ConnectionString { get; init; }

    /// <summary>Written to backup_label, for people.</summary>
    public required string Label { get; init; }

    /// <summary>Ask for an immediate checkpoint; otherwise the backup waits for the next regular one, up to checkpoint_timeout.</summary>
    public bool FastCheckpoint { get; init; } = true;

    /// <summary>Let the server checksum every file into <c>backup_manifest</c>, the tar's last entry.</summary>
    public bool Manifest { get; init; }

    /// <summary>Called with every line pg_basebackup and the server say, on another thread.</summary>
    public Action<string>? OnMessage { get; init; }
}
