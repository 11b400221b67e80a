using Pitr.Format.Wal;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Archive.Status;

/// <summary>The server of a service as this host can see it: over a connection, through its files, both or neither.</summary>
sealed class WalHost : IAsyncDisposable
{
    readonly TimeProvider _clock;
    readonly PostgresSession? _session;
    readonly ServerFacts? _facts;
    readonly PgWalDirectory? _directory;
    readonly bool _mayListRemotely;

    WalHost(TimeProvider clock, PostgresSession? session, ServerFacts? facts, string? unanswered, ControlFile? control, PgWalDirectory? directory, string? unseen)
    {
        (_clock, _session, _facts, ServerUnanswered, Control, _directory, PgWalUnseen) = (clock, session, facts, unanswered, control, directory, unseen);
        _mayListRemotely = session is not null && directory is null;
    }

    /// <summary>Why the server could not be asked; null when it could.</summary>
    public string? ServerUnanswered { get; private set; }

    /// <summary>Why its files could not be seen; null when they could.</summary>
    public string? PgWalUnseen { get; private set; }

    /// <summary>pg_control, when its files could be seen.</summary>
    public ControlFile? Control { get; }

    /// <summary>The cluster's segment size, when either could be asked.</summary>
    public WalSegmentSize? SegmentSize => Control?.WalSegmentSize ?? _facts?.WalSegmentSize;

    /// <summary>The cluster's system identifier, when either could be asked.</summary>
    public ulong? SystemIdentifier => Control?.SystemIdentifier ?? _facts?.SystemIdentifier;

    /// <summary>Tries both ways.</summary>
    /// <param name="service">The service.</param>
    /// <param name="patience">How long a server that does not answer is waited for.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static async Task<WalHost> OpenAsync(PostgresService service, TimeSpan patience, CancellationToken cancellation)
    {
        var (session, facts, unanswered) = await ConnectAsync(service, patience, cancellation);
        var path = service.Settings.DataDirectory;
        if (path is null)
        {
            return new WalHost(service.Clock, session, facts, unanswered, null, null, "data-directory is not configured for the service");
        }

        try
        {
            var control = ControlFile.ReadFrom(path);
            return new WalHost(service.Clock, session, facts, unanswered, control, new PgWalDirectory(path, control.WalSegmentSize, service.Clock), null);
        }
        catch (ServerException e)
        {
            return new WalHost(service.Clock, session, facts, unanswered, null, null, e.Message);
        }
    }

    /// <summary>Looks at both, as far as they can still be seen.</summary>
    public async Task<WalLook> LookAsync(CancellationToken cancellation)
    {
        var server = await TryAskAsync(reader => reader.ReadAsync(cancellation));
        PgWalContent? content = null;
        try
        {
            content = _directory?.Read();
        }
        catch (ServerException e)
        {
            PgWalUnseen = e.Message;
        }

        var (position, from) = server is { Position.IsInvalid: false } ? (server.Position, "server")
            : content?.WrittenTo is { } written ? (written, "pg_wal")
            : Control is { } control ? ((Lsn?)control.CheckpointLsn, "pg_control")
            : (null, null);
        var bytes = _mayListRemotely && server is not null ? await TryListAsync(async reader => (long?)await reader.ReadPgWalBytesAsync(cancellation)) : null;
        var ready = _mayListRemotely && server is not null ? await TryListAsync(reader => reader.ReadReadyAsync(cancellation)) : null;
        return new WalLook(_clock.GetUtcNow(), server, content, _facts?.Timeline ?? content?.Timeline ?? Control?.Timeline, position, from, bytes, ready);
    }

    /// <summary>When a segment was completed, as far as its files tell.</summary>
    public DateTimeOffset? CompletedAt(WalSegmentName segment) => _directory?.CompletedAt(segment);

    public async ValueTask DisposeAsync()
    {
        if (_session is not null)
        {
            await _session.DisposeAsync();
        }
    }

    static async Task<(PostgresSession? Session, ServerFacts? Facts, string? Unanswered)> ConnectAsync(PostgresService service, TimeSpan patience, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(patience, service.Clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        PostgresSession? session = null;
        try
        {
            session = await PostgresSession.OpenAsync(service.Settings.RevealConnection(), linked.Token);
            return (session, await session.ReadFactsAsync(linked.Token), null);
        }
        catch (Exception e) when (e is ServerException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            if (session is not null)
            {
                await session.DisposeAsync();
            }

            return (null, null, e is ServerException ? e.Message : $"it did not answer within {patience.TotalSeconds:0} s");
        }
    }

    Task<T?> TryAskAsync<T>(Func<ServerWalReader, Task<T>> ask) => TryAsync(ask, reason => ServerUnanswered = reason);

    // Not every role may list the server's directories; that says nothing against the server.
    Task<T?> TryListAsync<T>(Func<ServerWalReader, Task<T>> ask) => TryAsync(ask, reason => PgWalUnseen = $"{PgWalUnseen}; {reason}");

    async Task<T?> TryAsync<T>(Func<ServerWalReader, Task<T>> ask, Action<string> onFailure)
    {
        if (_session is null || ServerUnanswered is not null)
        {
            return default;
        }

        try
        {
            return await ask(new ServerWalReader(_session));
        }
        catch (ServerException e)
        {
            onFailure(e.Message);
            return default;
        }
    }
}
