using Pitr.Format.Wal;
using Pitr.Postgres.Wal;
using Pitr.Postgres.Wal.Catalogs;
using Pitr.Postgres.Wal.Events;
using Pitr.Postgres.Wal.Footprints;

namespace Pitr.Postgres.Tests.Wal;

/// <summary>The segments of a server's pg_wal, read as the archive would have them.</summary>
static class WalDirectory
{
    /// <summary>Every finished segment from the first that is there to one, in order.</summary>
    public static IEnumerable<(WalSegmentName Name, byte[] Content, WalSegmentHeader Header)> Read(string dataDirectory, WalSegmentName last)
    {
        var names = Directory.EnumerateFiles(Path.Combine(dataDirectory, "pg_wal"))
            .Select(path => WalSegmentName.TryParse(Path.GetFileName(path), out var name) ? name : (WalSegmentName?)null)
            .OfType<WalSegmentName>()
            .Where(name => name <= last)
            .Order();
        foreach (var name in names)
        {
            var content = File.ReadAllBytes(Path.Combine(dataDirectory, "pg_wal", name.ToString()));
            var header = WalSegmentHeader.Parse(content);
            header.RequireMatches(name, content.Length);
            yield return (name, content, header);
        }
    }

    /// <summary>All events up to a segment; fails on damage.</summary>
    public static List<WalEvent> Events(string dataDirectory, WalSegmentName last, WalEventKinds kinds = WalEventKinds.All)
    {
        var run = new WalEventRun(kinds);
        var events = new List<WalEvent>();
        foreach (var (name, content, header) in Read(dataDirectory, last))
        {
            events.AddRange(run.Add(WalSegmentEvents.Scan(content, header, kinds, new CatalogFiles(), verify: true), out var damage));
            Assert.True(damage is null, $"{name}: {damage}");
        }

        return events;
    }

    /// <summary>All transactions up to a segment that did something to relations or databases.</summary>
    public static List<WalTransaction> Footprints(string dataDirectory, WalSegmentName last, int majorVersion)
    {
        var tracker = new FootprintTracker(majorVersion);
        return [.. Events(dataDirectory, last).Select(tracker.Apply).OfType<WalTransaction>().Where(t => t.Footprints.Count > 0)];
    }
}
