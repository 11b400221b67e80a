using System.Globalization;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Streaming;

/// <summary>
/// What repositories hold of one timeline around the place where a stream begins. Something is held when as many repositories as are
/// required have it.
/// </summary>
sealed class HeldWal
{
    readonly PostgresService _service;
    readonly Timeline _timeline;
    readonly WalSegmentSize _size;
    readonly IReadOnlyList<(IObjectStore Store, Content Content)> _repositories;

    HeldWal(PostgresService service, Timeline timeline, WalSegmentSize size, IReadOnlyList<(IObjectStore Store, Content Content)> repositories) =>
        (_service, _timeline, _size, _repositories) = (service, timeline, size, repositories);

    /// <summary>Lists the last 4 GiB of WAL that are stored, and all from a segment on.</summary>
    /// <exception cref="RepositoryUnavailableException">Fewer repositories answered than are required.</exception>
    public static async Task<HeldWal> ReadAsync(PostgresService service, Timeline timeline, WalSegmentSize size, ulong from, CancellationToken cancellation)
    {
        var answers = await service.Repositories.AskAllAsync((store, token) => ListAsync(service, store, timeline, size, from, token), cancellation);
        return answers.Count >= service.Repositories.Required
            ? new HeldWal(service, timeline, size, answers)
            : throw new RepositoryUnavailableException(
                $"{RepositoryCount.Text(service.Repositories.Required)} must answer, and {answers.Count} did: {string.Join("; ", service.Repositories.Unanswered.Select(u => $"{u.Key}: {u.Value}"))}",
                "streaming begins when they do; `pitr check` shows which repository works");
    }

    /// <summary>The timelines of which something is stored anywhere, histories included.</summary>
    public static async Task<IReadOnlyList<Timeline>> ReadTimelinesAsync(PostgresService service, CancellationToken cancellation)
    {
        var answers = await service.Repositories.AskAllAsync(
            async (store, token) =>
            {
                await RepositorySet.RequireInitialisedAsync(store, token);
                var found = new List<Timeline>();
                await foreach (var item in store.ListAsync(RepositoryLayout.WalPrefix(service.Name), ListMode.Children, token))
                {
                    if (TryParseHex(LastPart(item.Key).Replace(".history", "", StringComparison.Ordinal), out var timeline) && timeline > 0)
                    {
                        found.Add(new Timeline(timeline));
                    }
                }

                return found;
            },
            cancellation);
        return [.. answers.SelectMany(a => a.Answer).Distinct().Order()];
    }

    /// <summary>Whether a segment is held, be it in pieces.</summary>
    public bool HasSegment(ulong number) => _repositories.Count(r => r.Content.Segments.Contains(number) || EndIn(r.Content, number) == _size.Bytes) >= _service.Repositories.Required;

    /// <summary>The last held segment before a number; null when none of those listed is.</summary>
    public ulong? LastBefore(ulong number) => _repositories
        .SelectMany(r => r.Content.Segments.Concat(r.Content.Pieces.Keys))
        .Where(n => n < number)
        .Distinct()
        .OrderDescending()
        .Where(HasSegment)
        .Select(n => (ulong?)n)
        .FirstOrDefault();

    /// <summary>Begins a stream: how much of its first segment is held in pieces.</summary>
    public StreamStart Begin(ulong number)
    {
        var start = new StreamStart(_timeline, number, _size);
        var ends = _repositories.Select(r => (r.Store, Chain: ChainIn(r.Content, number))).OrderByDescending(r => EndOf(r.Chain)).ToArray();
        var deciding = ends[_service.Repositories.Required - 1];
        return EndOf(deciding.Chain) == 0 ? start : start with { Held = EndOf(deciding.Chain), HeldPiece = (deciding.Chain[^1], deciding.Store) };
    }

    /// <summary>Segments that lie in pieces only, and wholly so: the stream ended after the last piece and before the segment was stored.</summary>
    public IEnumerable<WalSegmentName> WholeInPieces() => _repositories
        .SelectMany(r => r.Content.Pieces.Keys)
        .Distinct()
        .Order()
        .Where(n => !_repositories.Any(r => r.Content.Segments.Contains(n)) && _repositories.Any(r => EndIn(r.Content, n) == _size.Bytes))
        .Select(n => WalSegmentName.FromNumber(_timeline, n, _size));

    /// <summary>Segments that are stored whole and still have pieces in the same repository.</summary>
    public IEnumerable<WalSegmentName> LeftOver() => _repositories
        .SelectMany(r => r.Content.Pieces.Keys.Where(r.Content.Segments.Contains))
        .Distinct()
        .Select(n => WalSegmentName.FromNumber(_timeline, n, _size));

    static IReadOnlyList<WalPieceName> ChainIn(Content content, ulong number) => content.Pieces.TryGetValue(number, out var pieces) ? PieceChain.Of(pieces) : [];

    static int EndIn(Content content, ulong number) => EndOf(ChainIn(content, number));

    static int EndOf(IReadOnlyList<WalPieceName> chain) => chain.Count == 0 ? 0 : (int)chain[^1].To;

    static async Task<Content> ListAsync(PostgresService service, IObjectStore store, Timeline timeline, WalSegmentSize size, ulong from, CancellationToken cancellation)
    {
        await RepositorySet.RequireInitialisedAsync(store, cancellation);
        var content = new Content([], []);
        foreach (var log in Choose(await ListLogsAsync(service, store, timeline, cancellation), (uint)(from / size.SegmentsPerLog)))
        {
            await foreach (var item in store.ListAsync(RepositoryLayout.WalLogPrefix(service.Name, timeline, log), ListMode.Recursive, cancellation))
            {
                Add(content, item.Key, size);
            }
        }

        return content;
    }

    // A few listings, however large the archive is.
    static IEnumerable<uint> Choose(List<uint> logs, uint from)
    {
        logs.Sort();
        var first = logs.FindIndex(log => log >= from);
        return logs.Skip(first < 0 ? Math.Max(0, logs.Count - 1) : Math.Max(0, first - 1));
    }

    static async Task<List<uint>> ListLogsAsync(PostgresService service, IObjectStore store, Timeline timeline, CancellationToken cancellation)
    {
        var logs = new List<uint>();
        await foreach (var item in store.ListAsync(RepositoryLayout.WalTimelinePrefix(service.Name, timeline), ListMode.Children, cancellation))
        {
            if (TryParseHex(LastPart(item.Key), out var log))
            {
                logs.Add(log);
            }
        }

        return logs;
    }

    static void Add(Content content, string key, WalSegmentSize size)
    {
        if (RepositoryLayout.TryParseWal(key, out _, out var file) && file.Kind == WalFileKind.Segment && file.Segment!.Value.IsValidFor(size))
        {
            content.Segments.Add(file.Segment.Value.Number(size));
        }
        else if (RepositoryLayout.TryParseWalPiece(key, out _, out var piece) && piece.Segment.IsValidFor(size))
        {
            var number = piece.Segment.Number(size);
            if (!content.Pieces.TryGetValue(number, out var pieces))
            {
                content.Pieces.Add(number, pieces = []);
            }

            pieces.Add(piece);
        }
    }

    static string LastPart(string key)
    {
        var trimmed = key.TrimEnd('/');
        return trimmed[(trimmed.LastIndexOf('/') + 1)..];
    }

    static bool TryParseHex(string text, out uint value)
    {
        value = 0;
        return text.Length == 8 && uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    sealed record Content(HashSet<ulong> Segments, Dictionary<ulong, List<WalPieceName>> Pieces);
}
