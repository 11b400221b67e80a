using Npgsql;
using Npgsql.Replication;
using NpgsqlTypes;
using Pitr.Format.Wal;
using Pitr.Postgres.Sessions;

namespace Pitr.Postgres.Replication;

/// <summary>
/// One connection over which a server sends its WAL (PostgreSQL documentation, "Streaming Replication Protocol"). One task receives; another
/// may report at the same time how far the WAL is durable.
/// </summary>
public sealed class WalReceiver : IAsyncDisposable
{
    readonly PhysicalReplicationConnection _connection;
    readonly string _server;

    WalReceiver(PhysicalReplicationConnection connection, string server) => (_connection, _server) = (connection, server);

    /// <summary>Process id of the walsender.</summary>
    public int ProcessId => _connection.ProcessID;

    /// <param name="connectionString">As Npgsql reads it, with one host.</param>
    /// <param name="applicationName">What <c>synchronous_standby_names</c> and pg_stat_replication call the stream.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="ServerException">Malformed, or the server cannot be reached or refuses.</exception>
    public static async Task<WalReceiver> OpenAsync(string connectionString, string applicationName, CancellationToken cancellationToken = default)
    {
        var settings = ConnectionText.Parse(connectionString);
        settings.ApplicationName = applicationName;
        settings.TcpKeepAlive = true;
        var server = ConnectionText.Describe(settings);
        var connection = new PhysicalReplicationConnection(settings.ConnectionString);
        try
        {
            await connection.Open(cancellationToken);
            return new WalReceiver(connection, server);
        }
        catch (NpgsqlException e)
        {
            await connection.DisposeAsync();
            throw Refused(e, server);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>The timeline the server is on, and how far it has flushed.</summary>
    /// <exception cref="ServerException">The server did not answer.</exception>
    public async Task<(ulong SystemIdentifier, Timeline Timeline, Lsn Flushed)> IdentifyAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            var system = await _connection.IdentifySystem(cancellationToken);
            return (ulong.Parse(system.SystemId, System.Globalization.CultureInfo.InvariantCulture), new Timeline(system.Timeline), new Lsn((ulong)system.XLogPos));
        }
        catch (NpgsqlException e)
        {
            throw SessionError.From(e, _server);
        }
    }

    /// <summary>The content of a <c>.history</c> file, byte for byte as the server has it.</summary>
    /// <exception cref="ServerException">The server has none.</exception>
    public async Task<byte[]> ReadHistoryAsync(Timeline timeline, CancellationToken cancellationToken = default)
    {
        try
        {
            return await TimelineHistoryQuestion.AskAsync(_connection, timeline, cancellationToken);
        }
        catch (NpgsqlException e)
        {
            throw SessionError.From(e, $"history of timeline {timeline} from {_server}");
        }
    }

    /// <summary>
    /// Receives WAL until the server ends it, the connection breaks or <paramref name="cancellationToken"/> is cancelled. WAL comes in order and
    /// without a gap, at most 128 KiB at a time.
    /// </summary>
    /// <param name="slot">The physical slot to use; nobody else may.</param>
    /// <param name="timeline">The timeline to follow, the server's own or an ancestor of it.</param>
    /// <param name="from">Where to begin.</param>
    /// <param name="take">Reads what came, which begins at the given position, to its end. What follows waits until it is done.</param>
    /// <param name="cancellationToken">Ends the stream.</param>
    /// <exception cref="ServerException">
    /// It could not start, or ended: also normally, at the end of an old timeline or when the server shuts down.
    /// </exception>
    public async Task ReceiveAsync(string slot, Timeline timeline, Lsn from, Func<Lsn, Stream, CancellationToken, ValueTask> take, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(take);
        await using var messages = _connection.StartReplication(
            new PhysicalReplicationSlot(slot), new NpgsqlLogSequenceNumber(from.Value), cancellationToken, timeline.Value).GetAsyncEnumerator(cancellationToken);
        while (await NextAsync())
        {
            await take(new Lsn((ulong)messages.Current.WalStart), messages.Current.Data, cancellationToken);
        }

        cancellationToken.ThrowIfCancellationRequested();
        throw new ServerException($"{_server} ended the stream of timeline {timeline}");

        async ValueTask<bool> NextAsync()
        {
            try
            {
                return await messages.MoveNextAsync();
            }
            catch (NpgsqlException e) when (e is not PostgresException && e.Message.Contains("CommandComplete", StringComparison.Ordinal))
            {
                // A server that shuts down ends the copy, for which Npgsql has no better words than that it should not.
                cancellationToken.ThrowIfCancellationRequested();
                throw new ServerException($"{_server} ended the stream of timeline {timeline}: it shuts down", innerException: e);
            }
            catch (NpgsqlException e)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw SessionError.From(e, $"WAL from {from} of timeline {timeline} from {_server}");
            }
            catch (Exception e) when (e is NullReferenceException or InvalidOperationException or ObjectDisposedException)
            {
                // Npgsql's words for a connection that broke while a flush position was being sent over it.
                cancellationToken.ThrowIfCancellationRequested();
                throw new ServerException($"{_server} broke off the stream of timeline {timeline}", innerException: e);
            }
        }
    }

    /// <summary>
    /// Tells the server that all WAL before a position is durable: commits that wait for it end, and the server may forget it. Quiet
    /// when the stream has ended meanwhile.
    /// </summary>
    public async Task ReportFlushedAsync(Lsn position, CancellationToken cancellationToken = default)
    {
        _connection.LastFlushedLsn = new NpgsqlLogSequenceNumber(position.Value);
        try
        {
            await _connection.SendStatusUpdate(cancellationToken);
        }
        catch (Exception e) when (e is InvalidOperationException or NpgsqlException or NullReferenceException or ObjectDisposedException)
        {
            // The stream is over: whoever receives says so. Npgsql answers with any of these then.
        }
    }

    static ServerException Refused(NpgsqlException error, string server)
    {
        var refused = SessionError.From(error, $"cannot open a replication connection to {server}");
        return refused.SqlState switch
        {
            PostgresErrorCodes.InvalidAuthorizationSpecification => new ServerException(
                refused.Message, "pg_hba.conf needs a line with the database `replication` for this user, and the user the REPLICATION attribute", error) { SqlState = refused.SqlState },
            PostgresErrorCodes.TooManyConnections => new ServerException(
                refused.Message, "raise max_wal_senders, or end what uses the others", error) { SqlState = refused.SqlState },
            _ => refused,
        };
    }

    /// <summary>Ends the connection.</summary>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
