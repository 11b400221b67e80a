using Pitr.Format.Catalog;
using Pitr.Format.Wal;
using Pitr.Operations.Verify;

namespace Pitr.Operations.Archive.Verify;

/// <summary>What whoever verifies a whole service knows already. That the identity is the right one, too: what it does not open is a finding, however much it is.</summary>
/// <param name="SegmentSize">The cluster's segment size.</param>
/// <param name="SystemIdentifiers">The clusters that the service has been.</param>
/// <param name="Backups">The backups there are, in any repository; without their packs.</param>
/// <param name="Verified">What is remembered of each repository, by name.</param>
/// <param name="FreshSince">What was verified before this is read again.</param>
sealed record WalVerifyContext(
    WalSegmentSize SegmentSize,
    IReadOnlySet<ulong> SystemIdentifiers,
    IReadOnlyList<BackupDocument> Backups,
    IReadOnlyDictionary<string, VerifiedObjects> Verified,
    DateTimeOffset FreshSince);
