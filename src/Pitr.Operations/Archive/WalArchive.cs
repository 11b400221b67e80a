using System.Text;
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
    /// <summary>Lists the archive. A segment counts when at least one repository holds it, be it in pieces.</summary>
    /// <param name="cancellation">Ends the listing.</param>
    /// <exception cref="StorageException">No repository could be listed whole.</exception>
    public async Task<WalInventory> ListAsync(CancellationToken cancellation) =>
        await ListAsync(await ReadSegmentSizeAsync(cancellation), RepositorySet.RequireInitialisedAsync, cancellation);

    /// <summary>As <see cref="ListAsync(CancellationToken)"/>, in half the time where a repository has to ask for each size: sizes and times may be missing.</summary>
    /// <inheritdoc cref="ListAsync(CancellationToken)"/>
    public async Task<WalInventory> ListNamesAsync(CancellationToken cancellation) =>
        await ListAsync(await ReadSegmentSizeAsync(cancellation), RepositorySet.RequireInitialisedAsync, cancellation, namesOnly: true);

    /// <summary>The same when the size of a segment is known.</summary>
    /// <param name="size">The cluster's segment size.</param>
    /// <param name="require">Throws for a place that is no repository.</param>
    /// <param name="cancellation">Ends the listing.</param>
    /// <param name="namesOnly">As for <see cref="ListNamesAsync"/>.</param>
    internal async Task<WalInventory> ListAsync(
        WalSegmentSize size, Func<IObjectStore, CancellationToken, Task> require, CancellationToken cancellation, bool namesOnly = false)
    {
        var answers = await service.Repositories.AskAllAsync(
            async (store, token) =>
            {
                await require(store, token);
                return await ListAsync(store, size, namesOnly, token);
            },
            cancellation);
        var whole = new WalInventory(size, [.. answers.SelectMany(a => a.Answer.Timelines.Keys).Distinct().Order().Select(Merge)])
        {
            HasSizes = !namesOnly,
            Repositories = [.. answers.Select(a => new RepositoryWal(
                a.Store.Name,
                [.. a.Answer.Timelines.OrderBy(t => t.Key).Select(t => new WalTimeline(t.Key, t.Value.Runs.ToSpans(t.Key, size), t.Value.HasHistory))]))],
        };
        var pieces = StoredPieces.Union(size, answers.Select(a => a.Answer.Pieces));
        return whole with
        {
            Whole = whole,
            Timelines = [.. whole.Timelines.Select(pieces.Complete)],
            Repositories = [.. whole.Repositories.Zip(answers, (repository, answer) => repository with
            {
                Timelines = [.. repository.Timelines.Select(answer.Answer.Pieces.Complete)],
                Pieces = answer.Answer.Pieces.Of(repository.Timelines),
            })],
        };

        WalTimeline Merge(Timeline timeline)
        {
            var held = answers.Select(a => a.Answer.Timelines).Where(a => a.ContainsKey(timeline)).Select(a => a[timeline]).ToArray();
            return new WalTimeline(timeline, StoredRuns.Union(timeline, size, [.. held.Select(h => h.Runs)]), held.Any(h => h.HasHistory));
        }
    }

    async Task<(IReadOnlyDictionary<Timeline, (StoredRuns Runs, bool HasHistory)> Timelines, StoredPieces Pieces)> ListAsync(
        IObjectStore store, WalSegmentSize size, bool namesOnly, CancellationToken cancellation)
    {
        var pieces = new StoredPieces(size);
        var listing = new WalListing(service.Name, size, keepsSizes: service.Repositories.Stores.Count > 1, pieces.Add, namesOnly);
        return (await listing.ReadAsync(store, cancellation), pieces);
    }

    /// <summary>First and last commit time of one archived segment; null when it holds no commit.</summary>
    /// <exception cref="DamagedRepositoryException">No repository has a readable header of it, and one has a damaged one.</exception>
    public async Task<(DateTimeOffset First, DateTimeOffset Last)?> ReadCommitTimesAsync(WalSegmentName segment, CancellationToken cancellation)
    {
        var header = await ReadHeaderAsync(segment, cancellation);
        return header.LastCommit == 0 ? null : (WalTime.FromMicroseconds(header.FirstCommit), WalTime.FromMicroseconds(header.LastCommit));
    }

    /// <summary>The clear header of one archived segment; of one in pieces that of the last piece.</summary>
    /// <exception cref="DamagedRepositoryException">No repository has a readable one, and one has a damaged one.</exception>
    public async Task<SealedObjectHeader> ReadHeaderAsync(WalSegmentName segment, CancellationToken cancellation)
    {
        var key = RepositoryLayout.Wal(service.Name, WalFileName.Parse(segment.ToString()));
        var asked = await service.Repositories.AskFirstAsync((store, token) => WalObject.ReadHeaderAsync(store, key, token), cancellation);
        return asked.IsAnswered ? asked.Answer : asked.IsProvenAbsent ? await ReadLastPieceAsync(segment, asked.Failure, cancellation) : throw asked.Failure;
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
