using Pitr.Format.Wal;

namespace Pitr.Postgres.Sessions;

/// <summary>What a running server is.</summary>
/// <param name="VersionNumber">server_version_num: 150018 is 15.18.</param>
/// <param name="Timeline">The one written to or, in recovery, the one replayed.</param>
/// <param name="PageSize">Bytes in a data page.</param>
/// <param name="DataDirectory">Null when the role may not see it (pg_read_all_settings).</param>
/// <param name="Now">The server's clock.</param>
/// <param name="CurrentLsn">Written so far or, in recovery, replayed so far.</param>
public sealed record ServerFacts(
    int VersionNumber,
    ulong SystemIdentifier,
    Timeline Timeline,
    WalSegmentSize WalSegmentSize,
    int PageSize,
    bool DataChecksums,
    bool InRecovery,
    string? DataDirectory,
    DateTimeOffset Now,
    Lsn CurrentLsn,
    DateTimeOffset PostmasterStart)
{
    public int MajorVersion => VersionNumber / 10000;
}
