using System.Text;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Operations.Streaming;
using Pitr.Storage;

namespace Pitr.Operations.Archive;

/// <summary>Reads what is archived: which segments, which timelines, and the commit times in the segments' clear headers.</summary>
public sealed class WalArchive(PostgresService service)
{
    /// <summary>Lists the archive. A segment counts when at least one repository holds it.</summary>
    /// <exception cref="StorageException">No repository could be listed whole.</exception>
    public async Task<WalInventory> ListAsync(CancellationToken cancellation)
    {
        var size = await ReadSegmentSizeAsync(cancellation);
        var timelines = new SortedDictionary<Timeline, (List<(ulong Number, long Size, DateTimeOffset Stored)> Segments, bool History)>();
        var pieces = new StoredPieces(size);
        foreach (var (_, files) in await service.Repositories.AskAllAsync((store, token) => ListFilesAsync(store, pieces, token), cancellation))
        {
            foreach (var (name, bytes, stored) in files)
            {
                var known = timelines.TryGetValue(name.Timeline, out var found) ? found : ([], false);
                if (name.Kind == WalFileKind.Segment)
                {
                    known.Segments.Add((name.Segment!.Value.Number(size), bytes, stored));
                }

                timelines[name.Timeline] = known with { History = known.History || name.Kind == WalFileKind.History };
            }
        }

        foreach (var timeline in pieces.Timelines)
        {
            timelines.TryAdd(timeline, ([], false));
        }

        return new WalInventory(size, timelines.Select(t =>
        {
            var tail = pieces.Complete(t.Key, t.Value.Segments);
            return new WalTimeline(t.Key, Spans(t.Key, t.Value.Segments, size), t.Value.History) { Tail = tail };
        }).ToArray());
    }

    async Task<List<(WalFileName Name, long Size, DateTimeOffset Stored)>> ListFilesAsync(IObjectStore store, StoredPieces pieces, CancellationToken cancellation)
    {
        await RepositorySet.RequireInitialisedAsync(store, cancellation);
        var files = new List<(WalFileName Name, long Size, DateTimeOffset Stored)>();
        await foreach (var item in store.ListAsync(RepositoryLayout.WalPrefix(service.Name), ListMode.Recursive, cancellation))
        {
            if (RepositoryLayout.TryParseWal(item.Key, out _, out var name))
            {
                files.Add((name, item.Size, item.Modified));
            }
            else if (RepositoryLayout.TryParseWalPiece(item.Key, out _, out var piece))
            {
                pieces.Add(piece, item.Size, item.Modified);
            }
        }

        return files;
    }

    static List<WalSpan> Spans(Timeline timeline, List<(ulong Number, long Size, DateTimeOffset Stored)> segments, WalSegmentSize size)
    {
        var spans = new List<WalSpan>();
        ulong last = 0;
        foreach (var (number, bytes, stored) in segments.OrderBy(s => s.Number))
        {
            var name = WalSegmentName.FromNumber(timeline, number, size);
            if (spans.Count > 0 && number == last)
            {
                // A second repository holds it too.
                continue;
            }

            if (spans.Count > 0 && number == last + 1)
            {
                var span = spans[^1];
                spans[^1] = span with
                {
                    Last = name,
                    Count = span.Count + 1,
                    StoredBytes = span.StoredBytes + bytes,
                    Newest = stored > span.Newest ? stored : span.Newest,
                };
            }
            else
            {
                spans.Add(new WalSpan(name, name, 1, bytes, stored));
            }

            last = number;
        }

        return spans;
    }

    /// <summary>First and last commit time of one archived segment; null when it holds no commit.</summary>
    /// <exception cref="DamagedRepositoryException">No repository has a readable header of it, and one has a damaged one.</exception>
    public async Task<(DateTimeOffset First, DateTimeOffset Last)?> ReadCommitTimesAsync(WalSegmentName segment, CancellationToken cancellation)
    {
        var key = RepositoryLayout.Wal(service.Name, WalFileName.Parse(segment.ToString()));
        var asked = await service.Repositories.AskFirstAsync((store, token) => WalObject.ReadHeaderAsync(store, key, token), cancellation);
        var header = asked.IsAnswered ? asked.Answer : asked.IsProvenAbsent ? await ReadLastPieceAsync(segment, asked.Failure, cancellation) : throw asked.Failure;
        return header.LastCommit == 0 ? null : (WalTime.FromMicroseconds(header.FirstCommit), WalTime.FromMicroseconds(header.LastCommit));
    }

    // The last piece knows of all commits in those before it.
    async Task<SealedObjectHeader> ReadLastPieceAsync(WalSegmentName segment, Exception absent, CancellationToken cancellation)
    {
        if (PieceChain.Of(await PieceListing.ReadAsync(service, segment, cancellation)) is not [.., var last])
        {
            throw absent;
        }

        var key = RepositoryLayout.WalPiece(service.Name, last);
        var asked = await service.Repositories.AskFirstAsync((store, token) => WalObject.ReadHeaderAsync(store, key, token), cancellation);
        return asked.IsAnswered ? asked.Answer : throw asked.Failure;
    }

    /// <summary>The last commit in an unbroken run of segments, looking from its end; null when there is none.</summary>
    public async Task<DateTimeOffset?> FindLastCommitAsync(TimelinePath path, WalSegmentName first, WalSegmentName last, WalSegmentSize size, CancellationToken cancellation)
    {
        for (var number = last.Number(size); number >= first.Number(size); number--)
        {
            if (await ReadCommitTimesAsync(path.Segment(number), cancellation) is { } times)
            {
                return times.Last;
            }
        }

        return null;
    }

    /// <summary>
    /// The first segment of an unbroken run with a commit after a moment; null when there is none. Commit times grow with the WAL (but
    /// for small disorder between sessions), so this looks at few headers: it halves the run, passing over segments without commits.
    /// </summary>
    public async Task<WalSegmentName?> FindCommitAfterAsync(
        DateTimeOffset moment, TimelinePath path, WalSegmentName first, WalSegmentName last, WalSegmentSize size, CancellationToken cancellation)
    {
        WalSegmentName? found = null;
        var low = first.Number(size);
        var high = last.Number(size) + 1;
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            var probe = middle;
            (DateTimeOffset First, DateTimeOffset Last)? times = null;
            while (probe < high && (times = await ReadCommitTimesAsync(path.Segment(probe), cancellation)) is null)
            {
                probe++;
            }

            if (times is null)
            {
                high = middle;
            }
            else if (times.Value.Last > moment)
            {
                found = path.Segment(probe);
                high = middle;
            }
            else
            {
                low = probe + 1;
            }
        }

        return found;
    }

    /// <summary>Reads an archived timeline history; null when every repository answers that there is none.</summary>
    /// <exception cref="DamagedRepositoryException">It is there and cannot be opened.</exception>
    public async Task<TimelineHistory?> ReadHistoryAsync(Timeline timeline, CancellationToken cancellation)
    {
        var text = await ReadTextAsync(WalFileName.Parse($"{timeline.Hex}.history"), cancellation);
        return text is null ? null : TimelineHistory.Parse(timeline, text);
    }

    /// <summary>Reads a small archived text file (.history, .backup); null when proven absent.</summary>
    public async Task<string?> ReadTextAsync(WalFileName name, CancellationToken cancellation)
    {
        var content = await new ArchiveGet(service).ReadAsync(name, cancellation);
        return content is null ? null : Encoding.UTF8.GetString(content);
    }

    /// <summary>True when the service has ever stored something; false when every repository answers that it has not.</summary>
    public async Task<bool> ExistsAsync(CancellationToken cancellation) => await TryReadSegmentSizeAsync(cancellation) is not null;

    async Task<WalSegmentSize> ReadSegmentSizeAsync(CancellationToken cancellation) =>
        await TryReadSegmentSizeAsync(cancellation) ?? throw new ImpossiblePlanException(
            $"service {service.Name} has nothing stored in repository {service.Repositories.Names}",
            "no WAL has arrived and no backup was taken yet; `pitr check` shows whether archiving works");

    async Task<WalSegmentSize?> TryReadSegmentSizeAsync(CancellationToken cancellation)
    {
        var registry = new ServiceRegistry(service);
        var answers = await service.Repositories.AskAllAsync(
            async (store, token) =>
            {
                await RepositorySet.RequireInitialisedAsync(store, token);
                return await registry.ReadAsync(store, token);
            },
            cancellation);
        return answers.Select(a => a.Answer).OfType<ServiceDocument>().FirstOrDefault() is { } document
            ? WalSegmentSize.From(document.SystemIdentifiers[^1].WalSegmentSize)
            : null;
    }
}
