using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;
using Pitr.Storage;

namespace Pitr.Operations.Archive.Status;

/// <summary>
/// Finds out where WAL stands: from the server if it answers, from its files if this host sees them, from every repository that answers.
/// What cannot be asked is named and left out; nothing but a wrong configuration is an error.
/// </summary>
/// <param name="service">The service.</param>
public sealed class WalStatusReader(PostgresService service)
{
    // Repositories try again for long; who asks for a status wants to know now that one does not answer.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    // An idle server's segments hold no commits; further back it would be history.
    const int SegmentsSearchedForCommit = 256;

    /// <summary>Reads the status.</summary>
    /// <param name="sample">Time between the two samples that rates are measured by; zero takes one sample.</param>
    /// <param name="limits">From where on something is wrong.</param>
    /// <param name="cancellation">Ends the work.</param>
    public async Task<WalStatus> ReadAsync(TimeSpan sample, WalStatusLimits limits, CancellationToken cancellation)
    {
        await using var host = await WalHost.OpenAsync(service, Patience, cancellation);
        var repositories = AskRepositoriesAsync(host, cancellation);
        var first = await host.LookAsync(cancellation);
        if (sample > TimeSpan.Zero && first.Content is not null && first.Position is not null)
        {
            await Task.Delay(sample, service.Clock, cancellation);
        }

        var asked = await repositories;
        var last = sample > TimeSpan.Zero ? await host.LookAsync(cancellation) : first;
        var size = host.SegmentSize ?? asked.Size;
        var status = new WalStatus
        {
            Service = service.Name.ToString(),
            At = last.At,
            Server = last.Server,
            ServerUnanswered = host.ServerUnanswered,
            Control = host.Control,
            PgWal = last.Content,
            PgWalUnseen = host.PgWalUnseen,
            PgWalBytes = last.Content?.Bytes ?? last.RemoteBytes,
            Ready = last.Content?.Ready ?? last.RemoteReady?.Count,
            ReadySince = last.Content?.OldestReadySince ?? last.RemoteReady?.Select(r => (DateTimeOffset?)r.Since).Min(),
            Timeline = last.Timeline,
            Position = last.Position,
            PositionFrom = last.PositionFrom,
            Repositories = asked.Repositories,
            Required = service.Repositories.Required,
            LastCommit = asked.LastCommit,
            Runway = first.ToSample() is { } begin && last.ToSample() is { } end && size is { } known ? PgWalRunway.Measure(begin, end, known) : null,
        };
        status = size is { } bytes ? WithLag(status, host, last, bytes) : status;
        status = WalJudgement.Judge(status, limits, size ?? WalSegmentSize.Default);
        return RequireOwnCluster(status, host, asked.SystemIdentifier);
    }

    // Archived without a segment waiting before it: the agent may be ahead of what PostgreSQL has asked for. What was streamed does not wait,
    // whatever the archiver has come to.
    static WalStatus WithLag(WalStatus status, WalHost host, WalLook look, WalSegmentSize size)
    {
        var newest = status.Repositories.OrderByDescending(r => r.Timeline).ThenByDescending(r => r.EndLsn(size)).FirstOrDefault();
        if (newest?.EndLsn(size) is not { } end)
        {
            return status;
        }

        var isStreamed = newest.StreamedTo is not null;
        var waits = look.OldestReady(size) is { } waiting && waiting <= newest.Newest && !(isStreamed && newest.UnbrokenFrom <= waiting) ? waiting : (WalSegmentName?)null;
        var archived = waits?.StartLsn(size) ?? end;
        if (status.Position is not { } position)
        {
            return status with { ArchivedTo = archived };
        }

        var lag = position > archived ? (long)(position - archived) : 0;
        var timeline = waits?.Timeline ?? newest.Timeline!.Value;
        var since = isStreamed && waits is null
            ? newest.Streamed!.Value
            : host.CompletedAt(WalSegmentName.FromNumber(timeline, (archived.Value / (ulong)size.Bytes) - 1, size)) ?? status.ReadySince ?? newest.Stored;
        return status with
        {
            ArchivedTo = archived,
            LagBytes = lag,
            Lag = lag == 0 ? TimeSpan.Zero : status.At - since > TimeSpan.Zero ? status.At - since : TimeSpan.Zero,
        };
    }

    static WalStatus RequireOwnCluster(WalStatus status, WalHost host, ulong? owner) => owner is { } archived && host.SystemIdentifier is { } here && here != archived
        ? status with
        {
            Problems =
            [
                new WalProblem(
                    "other-cluster",
                    $"the archive is of the cluster with system identifier {archived}, the server's is {here}",
                    "give this cluster a service of its own (also after pg_upgrade or a new initdb)"),
                .. status.Problems,
            ],
        }
        : status;

    async Task<(IReadOnlyList<RepositoryWalStatus> Repositories, DateTimeOffset? LastCommit, WalSegmentSize? Size, ulong? SystemIdentifier)> AskRepositoriesAsync(
        WalHost host, CancellationToken cancellation)
    {
        var answers = await Task.WhenAll(service.Repositories.Stores.Select(store => AskRepositoryAsync(store, host.SegmentSize, cancellation)));
        var found = answers.Where(a => a.Size is not null).OrderByDescending(a => a.Status.Timeline).ThenByDescending(a => a.Status.EndLsn(a.Size!.Value)).FirstOrDefault();
        return ([.. answers.Select(a => a.Status)], found.LastCommit, answers.Select(a => a.Size).FirstOrDefault(s => s is not null), answers.Select(a => a.SystemIdentifier).FirstOrDefault(s => s is not null));
    }

    async Task<(RepositoryWalStatus Status, DateTimeOffset? LastCommit, WalSegmentSize? Size, ulong? SystemIdentifier)> AskRepositoryAsync(
        IObjectStore store, WalSegmentSize? known, CancellationToken cancellation)
    {
        var owed = service.Repositories.Debts.Owed(store.Name).ToArray();
        var status = new RepositoryWalStatus(store.Name, null, null, null, owed.Length, owed.Length == 0 ? null : owed.Min(d => d.Since));
        using var limit = new CancellationTokenSource(Patience, service.Clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            await RepositorySet.RequireInitialisedAsync(store, linked.Token);
            var document = await new ServiceRegistry(service).ReadAsync(store, linked.Token);
            if (document is null)
            {
                return (status, null, null, null);
            }

            var cluster = document.SystemIdentifiers[^1];
            var size = known ?? WalSegmentSize.From(cluster.WalSegmentSize);
            var identifier = ulong.Parse(cluster.SystemIdentifier, System.Globalization.CultureInfo.InvariantCulture);
            if (await new WalNewest(service.Name, size).FindAsync(store, linked.Token) is not { } newest)
            {
                return (status, null, size, identifier);
            }

            status = status with
            {
                Newest = newest.Segment,
                Stored = newest.Stored,
                UnbrokenFrom = newest.UnbrokenFrom,
                Timeline = newest.Piece?.Segment.Timeline ?? newest.Segment?.Timeline,
                StreamedTo = newest.Piece is { } piece ? piece.Segment.StartLsn(size) + piece.To : null,
                Streamed = newest.PieceStored,
            };
            return (status, await LastCommitAsync(store, newest, size, linked.Token), size, identifier);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            var reason = service.Repositories.HealthOf(store).Failing ?? $"it did not answer within {Patience.TotalSeconds:0} s";
            return (status with { Unanswered = reason }, null, null, null);
        }
        catch (Exception e) when (e is StorageException or RepositoryUnavailableException or DamagedRepositoryException)
        {
            return (status with { Unanswered = e.Message }, null, null, null);
        }
    }

    // The last piece knows of all commits in those before it; from the newest segment it goes backwards.
    async Task<DateTimeOffset?> LastCommitAsync(IObjectStore store, NewestWal newest, WalSegmentSize size, CancellationToken cancellation)
    {
        if (newest.Piece is { } piece && await ReadLastCommitAsync(store, RepositoryLayout.WalPiece(service.Name, piece), cancellation) is { Commit: { } streamed })
        {
            return streamed;
        }

        if (newest.Segment is not { } last)
        {
            return null;
        }

        var number = last.Number(size);
        for (var searched = 0; searched < SegmentsSearchedForCommit && number >= (ulong)searched; searched++)
        {
            var segment = WalSegmentName.FromNumber(last.Timeline, number - (ulong)searched, size);
            var (isRead, commit) = await ReadLastCommitAsync(store, RepositoryLayout.Wal(service.Name, WalFileName.ForSegment(segment)), cancellation);
            if (!isRead || commit is not null)
            {
                return commit;
            }
        }

        return null;
    }

    // Not read: a gap, or an object without a readable header; verify says what is wrong with that.
    static async Task<(bool IsRead, DateTimeOffset? Commit)> ReadLastCommitAsync(IObjectStore store, string key, CancellationToken cancellation)
    {
        try
        {
            var header = await WalObject.ReadHeaderAsync(store, key, cancellation);
            return (true, header.LastCommit == 0 ? null : WalTime.FromMicroseconds(header.LastCommit));
        }
        catch (Exception e) when (e is ObjectNotFoundException or DamagedRepositoryException)
        {
            return (false, null);
        }
    }
}
