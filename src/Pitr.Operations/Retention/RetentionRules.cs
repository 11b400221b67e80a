using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Operations.Configuration;

namespace Pitr.Operations.Retention;

/// <summary>
/// The rules of a service's <c>retention</c>: a continuous window, the newest backup of each of so many days, weeks, months and years, a least number, and
/// pins. A backup goes only if none of them keeps it. Pure: the same backups, traces and moment always give the same verdicts. See docs/decisions/0038.
/// </summary>
/// <param name="settings">The rules' numbers.</param>
/// <param name="clock">The present. Not believed when nothing that is stored is as late: see <see cref="Judge"/>.</param>
public sealed class RetentionRules(RetentionSettings settings, DateTimeOffset clock)
{
    /// <summary>Judges every backup.</summary>
    /// <param name="backups">All of a service, in any order.</param>
    /// <param name="timelines">What its archive says of each timeline.</param>
    /// <returns>
    /// The verdicts, in the cluster's order, oldest first. The window ends at the present or, when the newest WAL was stored before, with that:
    /// a clock that jumped ahead, or a service that archives no more, loses no moment of its last days.
    /// </returns>
    public RetentionVerdicts Judge(IReadOnlyList<BackupDocument> backups, IReadOnlyList<TimelineTrace> timelines)
    {
        ArgumentNullException.ThrowIfNull(backups);
        ArgumentNullException.ThrowIfNull(timelines);
        // The repository's clock rather than the server's: that one may be wrong together with this host's.
        var evidence = (timelines.Count > 0 ? timelines.Select(t => t.Ended) : backups.Select(b => b.StopTime)).DefaultIfEmpty(clock).Max();
        var now = evidence < clock ? evidence : clock;
        var start = now - DateTimeOffset.MinValue > settings.Window ? now - settings.Window : DateTimeOffset.MinValue;
        var ordered = DatedBackup.Order(backups, now);
        var kept = ordered.ToDictionary(b => b.Backup.Id, _ => new List<string>(), StringComparer.Ordinal);
        var branches = WindowBranch.Find(ordered, timelines, start);

        foreach (var backup in ordered)
        {
            if (backup.Backup.PinAt(clock) is { } pin)
            {
                kept[backup.Backup.Id].Add($"pinned ({pin})");
            }

            if (backup.IsFromFuture)
            {
                kept[backup.Backup.Id].Add($"window: it ended at {Text(backup.Backup.StopTime)}, which has not come yet");
            }
            else if (backup.End >= start)
            {
                kept[backup.Backup.Id].Add("window");
            }
        }

        foreach (var branch in branches)
        {
            foreach (var anchor in branch.Anchors)
            {
                kept[anchor.Id].Add(
                    anchor.StartWal.Length == 0 ? $"window: the newest before {Text(start)}" : $"window: timeline {branch.Timeline.Value} is recovered from it since {Text(start)}");
            }
        }

        foreach (var backup in Newest(ordered, settings.Minimum))
        {
            kept[backup.Backup.Id].Add("minimum");
        }

        KeepBuckets(ordered, kept, settings.Daily, "daily", day => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        KeepBuckets(ordered, kept, settings.Weekly, "weekly", day => $"{ISOWeek.GetYear(day):D4}-W{ISOWeek.GetWeekOfYear(day):D2}");
        KeepBuckets(ordered, kept, settings.Monthly, "monthly", day => day.ToString("yyyy-MM", CultureInfo.InvariantCulture));
        KeepBuckets(ordered, kept, settings.Yearly, "yearly", day => day.ToString("yyyy", CultureInfo.InvariantCulture));
        return new RetentionVerdicts(
            start,
            branches,
            [.. ordered.Select(b => new BackupVerdict(b.Backup, [.. kept[b.Backup.Id].Distinct()], Why(b, kept[b.Backup.Id], start)))]);
    }

    static string Why(DatedBackup backup, List<string> keeps, DateTimeOffset start) => keeps.Count > 0
        ? string.Join(", ", keeps.Distinct())
        : $"it ended at {Text(backup.Backup.StopTime)}, before the window that begins at {Text(start)}, and no day, week, month or year keeps it";

    // Sound ones first; damaged ones count only when there are not as many sound ones.
    static IEnumerable<DatedBackup> Newest(IReadOnlyList<DatedBackup> ordered, int count)
    {
        var sound = ordered.Reverse().Where(b => b.IsSound).Take(count).ToArray();
        return sound.Concat(ordered.Reverse().Where(b => !b.IsSound).Take(count - sound.Length));
    }

    // So many of the days that have a backup, not the last so many days: when backups stop, the old ones stay.
    void KeepBuckets(IReadOnlyList<DatedBackup> ordered, Dictionary<string, List<string>> kept, int count, string rule, Func<DateTime, string> bucketOf)
    {
        var buckets = ordered
            .Where(b => !b.IsFromFuture)
            .GroupBy(b => bucketOf(TimeZoneInfo.ConvertTime(b.End, settings.TimeZone).DateTime), StringComparer.Ordinal)
            .OrderByDescending(bucket => bucket.Key, StringComparer.Ordinal)
            .Take(count);
        foreach (var bucket in buckets)
        {
            kept[(bucket.LastOrDefault(b => b.IsSound) ?? bucket.Last()).Backup.Id].Add($"{rule} {bucket.Key}");
        }
    }

    internal static string Text(DateTimeOffset moment) => moment.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
