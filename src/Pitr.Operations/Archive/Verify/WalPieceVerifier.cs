using System.Buffers;
using Pitr.Format;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Operations.Streaming;
using Pitr.Operations.Verify;
using Pitr.Postgres.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Archive.Verify;

/// <summary>
/// Verifies a segment that lies in pieces: each repository's copy of each piece is opened and held against its name and its cluster, pieces must follow one
/// another, have the same where they overlap, and together be the beginning of a segment whose records are sound.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="size">The cluster's segment size.</param>
/// <param name="systemIdentifiers">The clusters that the service has been.</param>
/// <param name="findings">Told what is wrong.</param>
/// <param name="onOpened">Told of each piece that was fetched: the repository, and the bytes of content it had, 0 when it did not open.</param>
/// <param name="onUnanswered">Told why a repository did not give a piece; the other pieces are verified nevertheless.</param>
sealed class WalPieceVerifier(
    PostgresService service,
    WalSegmentSize size,
    IReadOnlySet<ulong> systemIdentifiers,
    Findings findings,
    Action<IObjectStore, int> onOpened,
    Action<StorageException> onUnanswered)
{
    const int AtOnce = 8;
    const string RecoveryEnds = "recovery to `latest` ends there; take a base backup now, and find out who deletes objects in the repository";
    const string BadPiece = "recovery to `latest` cannot pass it; delete it if another repository has a good copy (`pitr repo copy` brings it), else take a base backup now";

    /// <summary>Verifies one segment.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="held">The repositories that do not hold it whole, with the pieces they hold.</param>
    /// <param name="isWholeElsewhere">Whether another repository holds it whole: then nothing is missing between pieces.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>What the walk over all pieces that follow one another left; null when there is nothing to walk over, or when the segment has become whole meanwhile.</returns>
    /// <exception cref="StorageException">A repository could not be listed again.</exception>
    public async Task<WalSegmentEdges?> VerifyAsync(
        WalSegmentName segment, IReadOnlyList<(IObjectStore Store, IReadOnlyList<WalPieceName> Pieces)> held, bool isWholeElsewhere, CancellationToken cancellation)
    {
        if (!isWholeElsewhere && Holes(segment, held).Any)
        {
            // A listing that was made while pieces came and went shows holes that never were.
            var again = await ListAgainAsync(segment, held, cancellation);
            if (again.Count == held.Count)
            {
                Report(Holes(segment, again), again);
            }

            held = again;
        }

        var joined = new Joined(ArrayPool<byte>.Shared.Rent(size.Bytes));
        try
        {
            await OpenInOrderAsync(held, (store, piece) => Join(store, piece, joined), cancellation);
            return joined.Header is { } header ? Walk(segment, joined.Buffer.AsSpan(0, joined.End), header) : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(joined.Buffer);
        }
    }

    WalPieceHoles Holes(WalSegmentName segment, IReadOnlyList<(IObjectStore Store, IReadOnlyList<WalPieceName> Pieces)> held) =>
        new(segment, [.. held.Select(h => h.Pieces)], service.Repositories.Required == service.Repositories.Stores.Count && held.Count > 1);

    void Report(WalPieceHoles holes, IReadOnlyList<(IObjectStore Store, IReadOnlyList<WalPieceName> Pieces)> held)
    {
        if (holes.InAll() is { } gap)
        {
            findings.Add(
                FindingKind.Gap,
                null,
                KeyOf(gap.Hole),
                $"is in no repository; {(gap.Behind == 1 ? "the piece" : $"the {gap.Behind} pieces")} behind it cannot be recovered",
                RecoveryEnds);
        }

        for (var i = 0; i < held.Count; i++)
        {
            if (holes.In(i) is { } hole)
            {
                findings.Add(FindingKind.Missing, held[i].Store.Name, KeyOf(hole), "is missing here, another repository has it", WalCopies.BringIt);
            }
        }
    }

    async Task<IReadOnlyList<(IObjectStore Store, IReadOnlyList<WalPieceName> Pieces)>> ListAgainAsync(
        WalSegmentName segment, IReadOnlyList<(IObjectStore Store, IReadOnlyList<WalPieceName> Pieces)> held, CancellationToken cancellation)
    {
        // The one with the most first: what the others lack is looked for after it was stored there.
        var again = new List<(IObjectStore, IReadOnlyList<WalPieceName>)>();
        foreach (var (store, _) in held.OrderByDescending(h => PieceChain.EndOf(h.Pieces)))
        {
            var pieces = await PieceListing.ReadAsync(store, service.Name, segment, cancellation);
            if (!await IsWholeAsync(store, segment, cancellation))
            {
                again.Add((store, pieces));
            }
        }

        return again;
    }

    // In the order of their places, so that what overlaps can be compared; several are fetched ahead.
    async Task OpenInOrderAsync(
        IReadOnlyList<(IObjectStore Store, IReadOnlyList<WalPieceName> Pieces)> held, Action<IObjectStore, StoredPiece> join, CancellationToken cancellation)
    {
        var waiting = new Queue<(IObjectStore Store, Task<StoredPiece?> Opening)>();
        try
        {
            foreach (var (store, piece) in held.SelectMany(h => h.Pieces.Select(p => (h.Store, Piece: p))).OrderBy(p => p.Piece))
            {
                waiting.Enqueue((store, OpenAsync(store, piece, cancellation)));
                if (waiting.Count >= AtOnce)
                {
                    await NextAsync();
                }
            }

            while (waiting.Count > 0)
            {
                await NextAsync();
            }
        }
        finally
        {
            await ((Task)Task.WhenAll(waiting.Select(w => w.Opening))).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task NextAsync()
        {
            var (store, opening) = waiting.Dequeue();
            if (await opening is { } opened)
            {
                join(store, opened);
            }
        }
    }

    async Task<StoredPiece?> OpenAsync(IObjectStore store, WalPieceName piece, CancellationToken cancellation)
    {
        var key = KeyOf(piece);
        try
        {
            var opened = await StoredPiece.OpenAsync(service, store, piece, cancellation);
            onOpened(store, opened.Bytes.Length);
            return opened;
        }
        catch (ObjectNotFoundException)
        {
            if (!await IsWholeAsync(store, piece.Segment, cancellation))
            {
                findings.Add(FindingKind.Missing, store.Name, key, "was listed, and is not there", "look at who deletes objects in the repository");
            }
        }
        catch (StorageException e)
        {
            onUnanswered(e);
        }
        catch (Exception e) when (e is DamagedObjectException or EndOfStreamException or UnsupportedFormatException)
        {
            onOpened(store, 0);
            findings.Add(FindingKind.Damaged, store.Name, key, e.Message, BadPiece);
        }
        catch (Exception e) when (e is KeyUnavailableException or DamagedRepositoryException)
        {
            onOpened(store, 0);
            findings.Add(FindingKind.NoKey, store.Name, key, e.Message, (e as OperationException)?.Hint);
        }

        return null;
    }

    // Pieces go when the segment is whole, also while somebody reads them.
    async Task<bool> IsWholeAsync(IObjectStore store, WalSegmentName segment, CancellationToken cancellation) =>
        await store.StatAsync(RepositoryLayout.Wal(service.Name, WalFileName.ForSegment(segment)), cancellation) is not null;

    void Join(IObjectStore store, StoredPiece piece, Joined joined)
    {
        var (from, to) = ((int)piece.Name.From, (int)piece.Name.To);
        if (!IsAuthentic(store, piece, joined) || from > joined.End)
        {
            return;
        }

        var known = Math.Min(to, joined.End) - from;
        if (known > 0 && !piece.Bytes.AsSpan(0, known).SequenceEqual(joined.Buffer.AsSpan(from, known)))
        {
            findings.Add(
                FindingKind.Differs,
                store.Name,
                KeyOf(piece.Name),
                "has other content than a piece of the same place",
                "two servers were streamed under one service name; stop the wrong one, and take a base backup of the right one");
            return;
        }

        if (to > joined.End)
        {
            piece.Bytes.CopyTo(joined.Buffer.AsSpan(from));
            joined.End = to;
        }
    }

    bool IsAuthentic(IObjectStore store, StoredPiece piece, Joined joined)
    {
        var start = piece.Name.Segment.StartLsn(size);
        if (piece.Name.To > (uint)size.Bytes)
        {
            findings.Add(FindingKind.WrongContent, store.Name, KeyOf(piece.Name), $"reaches behind the end of its segment at {size.Bytes}", BadPiece);
            return false;
        }

        if (piece.Name.From == 0 && Parse(store, piece) is { } header)
        {
            if (!systemIdentifiers.Contains(header.SystemIdentifier))
            {
                findings.Add(
                    FindingKind.Foreign,
                    store.Name,
                    KeyOf(piece.Name),
                    $"is of the cluster with system identifier {header.SystemIdentifier}, the service is {string.Join(", ", systemIdentifiers)}",
                    "somebody put it there past pitr; delete it, and find out who can write to the repository");
                return false;
            }

            joined.Header ??= header;
        }
        else if (piece.Name.From == 0)
        {
            return false;
        }

        if (!systemIdentifiers.Any(system => piece.IsOf(system, start)))
        {
            findings.Add(FindingKind.WrongContent, store.Name, KeyOf(piece.Name), "is not the piece of this place: its fingerprint is another one's", BadPiece);
            return false;
        }

        return true;
    }

    WalSegmentHeader? Parse(IObjectStore store, StoredPiece piece)
    {
        try
        {
            var header = WalSegmentHeader.Parse(piece.Bytes);
            header.RequireMatches(piece.Name.Segment, size.Bytes);
            return header;
        }
        catch (WalSegmentException e)
        {
            findings.Add(FindingKind.WrongContent, store.Name, KeyOf(piece.Name), e.Message, BadPiece);
            return null;
        }
    }

    WalSegmentEdges Walk(WalSegmentName segment, ReadOnlySpan<byte> content, WalSegmentHeader header)
    {
        var edges = WalSegmentProof.WalkBeginning(content, header);
        if (edges.Damage is { } damage)
        {
            findings.Add(
                FindingKind.BrokenChain,
                null,
                KeyOf(new WalPieceName(segment, 0, (uint)content.Length)),
                $"at {damage.Position}: {damage.Reason}; its pieces are as PostgreSQL sent them",
                "replay ends there: take a base backup now, and look at pg_wal's disk and memory of the server");
        }

        return edges;
    }

    string KeyOf(WalPieceName piece) => RepositoryLayout.WalPiece(service.Name, piece);

    sealed class Joined(byte[] buffer)
    {
        public byte[] Buffer => buffer;

        public int End { get; set; }

        public WalSegmentHeader? Header { get; set; }
    }
}
