using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Verify;

namespace Pitr.Operations.Archive.Verify;

/// <summary>Looks whether the WAL is there without which a backup does not become consistent. What follows it is for <see cref="WalContinuity"/>.</summary>
/// <param name="service">The service.</param>
/// <param name="inventory">What is archived.</param>
/// <param name="findings">Told what is missing.</param>
sealed class BackupWalCheck(ServiceName service, WalInventory inventory, Findings findings)
{
    /// <summary>Checks backups.</summary>
    public void Run(IEnumerable<BackupDocument> backups)
    {
        foreach (var backup in backups.Where(b => b.WalSegmentSize == inventory.SegmentSize.Bytes))
        {
            var first = WalSegmentName.Parse(backup.StartWal);
            var last = WalSegmentName.Parse(backup.StopWal);
            var spans = inventory.Find(first.Timeline)?.Spans ?? [];
            var span = spans.FirstOrDefault(s => s.First <= first && first <= s.Last);
            if (span is not null && last <= span.Last)
            {
                continue;
            }

            findings.Add(
                FindingKind.Gap,
                null,
                RepositoryLayout.Backup(service, BackupId.Parse(backup.Id)),
                $"the backup cannot be recovered: of its WAL from {first} to {last} {(span is null ? first : span.Last.Next(inventory.SegmentSize))} is in no repository",
                "take a base backup now; `pitr repo copy` brings the segment if a copy of the repository has it");
        }
    }
}
