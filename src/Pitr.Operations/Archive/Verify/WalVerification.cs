using System.Collections.Concurrent;
using System.Globalization;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Operations.Verify;
using Pitr.Postgres.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Archive.Verify;

/// <summary>
/// Proves that what is archived can be read: every repository's copy is fetched, opened and authenticated, is what its name says, is of this
/// cluster, hangs together with the one before it, and nothing is missing in between. Changes nothing. Memory does not grow with the archive.
/// </summary>
/// <param name="service">The service.</param>
public sealed class WalVerification(PostgresService service)
{
    // As many objects in a row that no key opens are no damage: it is the wrong identity.
    const int HopelessWithoutKey = 32;

    readonly WalArchive _archive = new(service);
    readonly ConcurrentDictionary<string, string> _unanswered = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<string, (long Objects, long Bytes, long Pieces)> _done = new(StringComparer.Ordinal);

    /// <summary>Verifies.</summary>
    /// <param name="options">What.</param>
    /// <param name="onFinding">Told each finding as it is found, one at a time; may be null.</param>
    /// <param name="onProgress">Told how many bytes of segments are done, of how many; from several threads; may be null.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="ImpossiblePlanException">Nothing is archived.</exception>
    /// <exception cref="KeyUnavailableException">There is no key to open anything with.</exception>
    /// <exception cref="StorageException">No repository could be listed.</exception>
    public Task<WalVerifyReport> RunAsync(WalVerifyOptions options, Action<Finding>? onFinding, Action<long, long>? onProgress, CancellationToken cancellation) =>
        RunAsync(options, null, new Findings(onFinding), onProgress, cancellation);

    /// <summary>The same as a part of the verification of a whole service.</summary>
    /// <param name="options">What.</param>
    /// <param name="context">What is known already; null: it is read.</param>
    /// <param name="findings">Told each finding.</param>
    /// <param name="onProgress">As above.</param>
    /// <param name="cancellation">Ends the work.</param>
    internal async Task<WalVerifyReport> RunAsync(
        WalVerifyOptions options, WalVerifyContext? context, Findings findings, Action<long, long>? onProgress, CancellationToken cancellation)
    {
        var started = service.Clock.GetTimestamp();
        var inventory = context is null ? await _archive.ListAsync(cancellation) : await _archive.ListAsync(context.SegmentSize, RequirePresentAsync, cancellation);
        var stores = service.Repositories.Stores.Where(s => inventory.Repositories.Any(r => r.Repository == s.Name)).ToArray();
        foreach (var (name, reason) in service.Repositories.Unanswered)
        {
            _unanswered[name] = reason;
        }

        var owners = context?.SystemIdentifiers ?? await ReadOwnersAsync(stores, cancellation);
        var expired = context is null ? await ExpiredWal.ReadAsync(service, inventory, cancellation) : new ExpiredWal(service, inventory, context.Backups);
        var verifier = new WalObjectVerifier(service, inventory.SegmentSize, owners, expired, findings);
        var histories = await VerifyHistoriesAsync(verifier, stores, inventory, options, findings, cancellation);
        var from = await FirstNumbersAsync(inventory, options, cancellation);
        new WalHistoryCheck(inventory, histories, findings).Run(options.Timeline);
        // Whoever verifies a whole service wants to know everything that is missing, however little is read.
        var lookFrom = context is null ? from : inventory.Timelines.ToDictionary(t => t.Timeline, _ => 0UL);
        AddGaps(inventory, histories, lookFrom, expired, findings);
        if (context is not null)
        {
            new BackupWalCheck(service.Name, inventory, findings).Run(context.Backups);
        }

        var copies = new WalCopies(service, inventory.Whole, expired, findings);
        var owed = stores.ToDictionary(s => s.Name, s => copies.FindMissing(s, lookFrom));
        var memory = context is null ? null : new WalMemory(context.Verified, context.FreshSince, service.Clock, inventory.SegmentSize);
        foreach (var store in stores)
        {
            await VerifyOthersAsync(verifier, store, inventory, options, memory, findings, cancellation);
        }

        var order = new WalOrder(inventory, histories);
        var selection = new WalSelection(
            inventory, t => from.TryGetValue(t.Timeline, out var number) ? number : null, memory is null ? null : order.WithNeighbours(memory.IsDue), options, options.Random);
        var pieces = new WalPieceVerifier(service, inventory.SegmentSize, owners, findings, (store, bytes) => Count(store, bytes, isPiece: true), e => _unanswered.TryAdd(e.Repository, e.Message));
        var inPieces = await VerifyPiecesAsync(pieces, stores, inventory, from, cancellation);
        var isKeyProven = context is not null;
        await VerifySegmentsAsync(verifier, stores, inventory, inPieces, order, selection, memory, isKeyProven, options, findings, onProgress, cancellation);
        if (!isKeyProven)
        {
            RequireAnyKey(findings, fewest: 1);
        }

        return new WalVerifyReport(
            selection.Count,
            [.. service.Repositories.Stores.Select(s => new VerifiedRepository(
                s.Name, _unanswered.GetValueOrDefault(s.Name), _done.GetValueOrDefault(s.Name).Objects, _done.GetValueOrDefault(s.Name).Bytes, owed.GetValueOrDefault(s.Name))
            {
                Pieces = _done.GetValueOrDefault(s.Name).Pieces,
            })],
            findings.Kept,
            findings.Count,
            service.Clock.GetElapsedTime(started))
        {
            Fresh = stores.ToDictionary(s => s.Name, s => memory?.FreshIn(s.Name) ?? 0, StringComparer.Ordinal),
        };
    }

    // repository.json may be damaged, which somebody else says; where there is none there is no repository.
    static async Task RequirePresentAsync(IObjectStore store, CancellationToken cancellation)
    {
        if (!await store.ExistsAsync(RepositoryLayout.Repository, cancellation))
        {
            await RepositorySet.RequireInitialisedAsync(store, cancellation);
        }
    }

    async Task<IReadOnlySet<ulong>> ReadOwnersAsync(IEnumerable<IObjectStore> stores, CancellationToken cancellation)
    {
        var owners = new HashSet<ulong>();
        foreach (var store in stores)
        {
            var document = await new ServiceRegistry(service).ReadAsync(store, cancellation);
            owners.UnionWith((document?.SystemIdentifiers ?? []).Select(s => ulong.Parse(s.SystemIdentifier, CultureInfo.InvariantCulture)));
        }

        return owners;
    }

    async Task<Dictionary<Timeline, TimelineHistory>> VerifyHistoriesAsync(
        WalObjectVerifier verifier, IObjectStore[] stores, WalInventory inventory, WalVerifyOptions options, Findings findings, CancellationToken cancellation)
    {
        var histories = new Dictionary<Timeline, TimelineHistory>();
        foreach (var timeline in inventory.Timelines.Where(t => t.HasHistory).Select(t => t.Timeline))
        {
            var name = WalFileName.ForHistory(timeline);
            byte[]? fingerprint = null;
            foreach (var store in stores)
            {
                if (inventory.Repositories.First(r => r.Repository == store.Name).Find(timeline) is not { HasHistory: true })
                {
                    var isOwed = service.Repositories.Debts.IsOwed(store.Name, RepositoryLayout.Wal(service.Name, name));
                    if (!isOwed && (options.Timeline is null || options.Timeline == timeline))
                    {
                        findings.Add(FindingKind.Missing, store.Name, name.ToString(), "is missing here, another repository has it", WalCopies.BringIt);
                    }

                    continue;
                }

                if (await TryVerifyAsync(verifier, store, name, cancellation) is { } found)
                {
                    RequireSame(fingerprint, found, name, findings);
                    fingerprint ??= found.Fingerprint;
                    histories.TryAdd(timeline, found.History!);
                }
            }
        }

        return histories;
    }

    // Where to begin on each timeline; those that are left out are not in it.
    async Task<Dictionary<Timeline, ulong>> FirstNumbersAsync(WalInventory inventory, WalVerifyOptions options, CancellationToken cancellation)
    {
        var size = inventory.SegmentSize;
        var first = new Dictionary<Timeline, ulong>();
        foreach (var timeline in inventory.Timelines.Where(t => options.Timeline is null || t.Timeline == options.Timeline))
        {
            var number = options.SinceLsn is { } lsn ? lsn.Value / (ulong)size.Bytes : 0;
            if (options.SinceTime is { } time)
            {
                number = Math.Max(number, await FirstCommitAfterAsync(timeline, time, size, cancellation));
            }

            first[timeline.Timeline] = number;
        }

        return first;
    }

    async Task<ulong> FirstCommitAfterAsync(WalTimeline timeline, DateTimeOffset time, WalSegmentSize size, CancellationToken cancellation)
    {
        var path = new TimelinePath(timeline.Timeline, null, size);
        foreach (var span in timeline.Spans)
        {
            try
            {
                if (await _archive.FindCommitAfterAsync(time, path, span.First, span.Last, size, cancellation) is { } segment)
                {
                    return segment.Number(size);
                }
            }
            catch (DamagedRepositoryException)
            {
                // Where the time lies is not known then: rather all of it than too little.
                return span.First.Number(size);
            }
        }

        return timeline.Spans is [.., var last] ? last.Last.Number(size) + 1 : 0;
    }

    static void AddGaps(
        WalInventory inventory, IReadOnlyDictionary<Timeline, TimelineHistory> histories, IReadOnlyDictionary<Timeline, ulong> from, ExpiredWal expired, Findings findings)
    {
        foreach (var gap in WalContinuity.Gaps(inventory, histories)
            .Where(g => from.TryGetValue(g.First.Timeline, out var number) && g.Last.Number(inventory.SegmentSize) >= number && !expired.Explains(g)))
        {
            findings.Add(
                FindingKind.Gap,
                null,
                gap.First.ToString(),
                gap.Count == 1
                    ? $"is in no repository; the segment before it was stored at {Moment(gap.Since)}"
                    : $"to {gap.Last}: {gap.Count} segments are in no repository; the segment before them was stored at {Moment(gap.Since)}",
                "no moment in it, nor after it up to the next base backup, can be had back; if no base backup was taken since, take one now");
        }
    }

    // Everything below wal/ that is no segment: partial segments and backup histories are verified, the rest does not belong there.
    async Task VerifyOthersAsync(
        WalObjectVerifier verifier, IObjectStore store, WalInventory inventory, WalVerifyOptions options, WalMemory? memory, Findings findings, CancellationToken cancellation)
    {
        try
        {
            await foreach (var item in store.ListAsync(RepositoryLayout.WalPrefix(service.Name), ListMode.Recursive, cancellation))
            {
                if (!RepositoryLayout.TryParseWal(item.Key, out _, out var name) || name.Segment is { } segment && !segment.IsValidFor(inventory.SegmentSize))
                {
                    if (!RepositoryLayout.TryParseWalPiece(item.Key, out _, out var piece) || !piece.Segment.IsValidFor(inventory.SegmentSize))
                    {
                        findings.Add(FindingKind.NotWal, store.Name, item.Key, "lies among the WAL and is no WAL file of this cluster", "pitr did not put it there; move it away");
                    }
                }
                else if (name.Kind == WalFileKind.Segment)
                {
                    memory?.Observe(store, name.Segment!.Value, item);
                }
                else if (name.Kind is WalFileKind.Partial or WalFileKind.BackupHistory && (options.Timeline is null || name.Timeline == options.Timeline))
                {
                    await TryVerifyAsync(verifier, store, name, cancellation);
                }
            }
        }
        catch (StorageException e)
        {
            _unanswered.TryAdd(store.Name, e.Message);
        }
    }

    // The pieces of every segment that some repository does not hold whole, whatever the sample: the last commits lie in them, and they are few.
    async Task<Dictionary<WalSegmentName, WalSegmentEdges?>> VerifyPiecesAsync(
        WalPieceVerifier verifier, IObjectStore[] stores, WalInventory inventory, Dictionary<Timeline, ulong> from, CancellationToken cancellation)
    {
        var edges = new Dictionary<WalSegmentName, WalSegmentEdges?>();
        var repositories = stores.Select(s => (Store: s, Held: inventory.Repositories.First(r => r.Repository == s.Name))).ToArray();
        var segments = repositories.SelectMany(r => r.Held.Pieces.Keys).Distinct().Order()
            .Where(s => from.TryGetValue(s.Timeline, out var first) && s.Number(inventory.SegmentSize) >= first);
        foreach (var segment in segments)
        {
            var held = repositories.Where(r => !IsWhole(inventory, r.Store, segment) && !_unanswered.ContainsKey(r.Store.Name)).ToArray();
            try
            {
                edges[segment] = await verifier.VerifyAsync(
                    segment, [.. held.Select(r => (r.Store, r.Held.Pieces.GetValueOrDefault(segment, [])))], inventory.Whole.Contains(segment), cancellation);
            }
            catch (StorageException e)
            {
                _unanswered.TryAdd(e.Repository, e.Message);
            }
        }

        return edges;
    }

    static bool IsWhole(WalInventory inventory, IObjectStore store, WalSegmentName segment) =>
        inventory.Whole.Repositories.First(r => r.Repository == store.Name).Find(segment.Timeline)?.Contains(segment) ?? false;

    Task VerifySegmentsAsync(
        WalObjectVerifier verifier,
        IObjectStore[] stores,
        WalInventory inventory,
        IReadOnlyDictionary<WalSegmentName, WalSegmentEdges?> inPieces,
        WalOrder order,
        WalSelection selection,
        WalMemory? memory,
        bool isKeyProven,
        WalVerifyOptions options,
        Findings findings,
        Action<long, long>? onProgress,
        CancellationToken cancellation)
    {
        var neighbours = Neighbours(order, selection, memory, findings);
        var done = 0L;
        return Parallel.ForEachAsync(
            selection.Segments(),
            new ParallelOptions { MaxDegreeOfParallelism = options.Jobs, CancellationToken = cancellation },
            async (segment, token) =>
            {
                var name = WalFileName.ForSegment(segment);
                VerifiedWal? first = null;
                var good = new List<IObjectStore>();
                var isSame = true;
                foreach (var store in stores.Where(s => IsWhole(inventory, s, segment)))
                {
                    if (await TryVerifyAsync(verifier, store, name, token) is { } found)
                    {
                        isSame &= RequireSame(first?.Fingerprint, found, name, findings);
                        first ??= found;
                        if (found.Edges?.Damage is null)
                        {
                            good.Add(store);
                        }
                    }
                }

                if (isSame)
                {
                    good.ForEach(store => memory?.Add(store, segment));
                }

                neighbours.Add(segment, first?.Edges ?? inPieces.GetValueOrDefault(segment));
                if (!isKeyProven)
                {
                    RequireAnyKey(findings, HopelessWithoutKey);
                }

                onProgress?.Invoke(Interlocked.Increment(ref done) * inventory.SegmentSize.Bytes, selection.Count * inventory.SegmentSize.Bytes);
            });
    }

    WalNeighbours Neighbours(WalOrder order, WalSelection selection, WalMemory? memory, Findings findings) => new(
        selection.Contains,
        order.Before,
        order.After,
        (segment, mismatch) =>
        {
            memory?.Remove(segment);
            findings.Add(
                FindingKind.BrokenChain,
                null,
                RepositoryLayout.Wal(service.Name, WalFileName.ForSegment(segment)),
                $"does not follow the segment before it, at {mismatch.Position}: {mismatch.Reason}",
                "replay ends there: take a base backup now; two servers may have archived under one service name");
        });

    async Task<VerifiedWal?> TryVerifyAsync(WalObjectVerifier verifier, IObjectStore store, WalFileName name, CancellationToken cancellation)
    {
        if (_unanswered.ContainsKey(store.Name))
        {
            return null;
        }

        try
        {
            var found = await verifier.VerifyAsync(store, name, cancellation);
            Count(store, found?.Bytes ?? 0, isPiece: false);
            return found;
        }
        catch (StorageException e)
        {
            // It was tried again for as long as the repository's settings say; the others go on.
            _unanswered.TryAdd(store.Name, e.Message);
            return null;
        }
    }

    void Count(IObjectStore store, int bytes, bool isPiece) => _done.AddOrUpdate(
        store.Name, _ => (1, bytes, isPiece ? 1 : 0), (_, before) => (before.Objects + 1, before.Bytes + bytes, before.Pieces + (isPiece ? 1 : 0)));

    bool RequireSame(byte[]? fingerprint, VerifiedWal found, WalFileName name, Findings findings)
    {
        if (fingerprint is not null && !found.Fingerprint.AsSpan().SequenceEqual(fingerprint))
        {
            findings.Add(
                FindingKind.Differs,
                null,
                RepositoryLayout.Wal(service.Name, name),
                $"has other content in another repository: {Convert.ToHexStringLower(fingerprint)} and {Convert.ToHexStringLower(found.Fingerprint)}",
                "two servers archived under one service name; a recovery from one repository is not one from the other");
            return false;
        }

        return true;
    }

    void RequireAnyKey(Findings findings, int fewest)
    {
        var without = findings.CountOf(FindingKind.NoKey);
        if (without >= fewest && without >= _done.Values.Sum(d => d.Objects))
        {
            var first = findings.Kept.First(f => f.Kind == FindingKind.NoKey);
            throw new KeyUnavailableException($"nothing can be opened: {first.Text}", first.Hint ?? "is the right identity configured? `pitr key list` shows whom the data keys are wrapped to");
        }
    }

    static string Moment(DateTimeOffset moment) => moment.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
