using System.Globalization;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Backup;

/// <summary>What pages of a backup that was interrupted may be compared with.</summary>
/// <param name="Format">1.</param>
/// <param name="Backup">Its id.</param>
/// <param name="SystemIdentifier">Of the cluster, decimal.</param>
/// <param name="Timeline">Where it began.</param>
/// <param name="Start">Where replay would have begun, in PostgreSQL's text form.</param>
/// <param name="PageSize">Bytes.</param>
/// <param name="Checksums">Whether pages had checksums.</param>
/// <param name="Databases">As <see cref="Pitr.Format.Catalog.BackupDocument.Databases"/>.</param>
/// <param name="DataKey">Id of the key its packs are sealed with.</param>
sealed record JournalHeader(
    int Format, string Backup, string SystemIdentifier, uint Timeline, string Start, int PageSize, bool Checksums, IReadOnlyDictionary<string, string> Databases, string DataKey)
{
    /// <summary>The only one that is read.</summary>
    public const int CurrentFormat = 1;

    /// <summary>That of a backup that begins.</summary>
    public static JournalHeader Of(BackupId id, ServerFacts facts, Lsn start, IReadOnlyDictionary<string, string> databases, DataKeyId key) => new(
        CurrentFormat, id.ToString(), facts.SystemIdentifier.ToString(CultureInfo.InvariantCulture), facts.Timeline.Value, start.ToString(), facts.PageSize, facts.DataChecksums, databases, key.ToString());
}
