using Pitr.Format.Wal;

namespace Pitr.Format.Manifests;

/// <summary>First line of a manifest.</summary>
/// <param name="Format">1.</param>
/// <param name="Service">Name of the service.</param>
/// <param name="BackupId">Id of the backup, e.g. 20261121T031500Z.</param>
/// <param name="SystemIdentifier">System identifier of the cluster.</param>
/// <param name="Timeline">Timeline the backup began on.</param>
/// <param name="StartLsn">Where replay must begin.</param>
/// <param name="PageSize">Bytes.</param>
/// <param name="ChecksumVersion">data_checksum_version of pg_control: 0 without page checksums.</param>
public sealed record ManifestHeader(
    int Format, string Service, string BackupId, ulong SystemIdentifier, uint Timeline, Lsn StartLsn, int PageSize, uint ChecksumVersion)
{
    /// <summary>Kind of the service.</summary>
    public string Kind { get; init; } = "postgres";

    /// <summary>The format this program writes, and the newest it reads.</summary>
    public const int CurrentFormat = 1;
}
