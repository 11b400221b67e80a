using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.Replication;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Streaming;

/// <summary>The server a stream comes from: with several hosts in the connection, the primary among them.</summary>
/// <param name="ConnectionString">Of this host alone; secret.</param>
/// <param name="Session">An ordinary session with it.</param>
/// <param name="Facts">What it is.</param>
sealed record StreamServer(string ConnectionString, PostgresSession Session, ServerFacts Facts) : IAsyncDisposable
{
    /// <summary>Connects to the only host, or to the primary on the newest timeline.</summary>
    /// <exception cref="ServerException">The only host cannot be reached.</exception>
    /// <exception cref="RepositoryUnavailableException">None of several hosts is a primary.</exception>
    public static async Task<StreamServer> ConnectAsync(PostgresService service, CancellationToken cancellation)
    {
        var hosts = ServerHosts.Split(service.Settings.RevealConnection());
        if (hosts.Count == 1)
        {
            return await ConnectAsync(hosts[0], cancellation);
        }

        StreamServer? chosen = null;
        var others = new List<string>();
        foreach (var host in hosts)
        {
            try
            {
                var server = await ConnectAsync(host, cancellation);
                if (server.Facts.InRecovery || server.Facts.Timeline <= chosen?.Facts.Timeline)
                {
                    others.Add($"{server} is {(server.Facts.InRecovery ? "a standby" : "on an older timeline")}");
                    await server.DisposeAsync();
                    continue;
                }

                await (chosen?.DisposeAsync() ?? ValueTask.CompletedTask);
                chosen = server;
            }
            catch (ServerException e)
            {
                others.Add(e.Message);
            }
        }

        return chosen ?? throw new ServerException($"none of {hosts.Count} hosts is a primary: {string.Join("; ", others)}", "start one, or promote a standby");
    }

    static async Task<StreamServer> ConnectAsync(string connectionString, CancellationToken cancellation)
    {
        var session = await PostgresSession.OpenAsync(connectionString, cancellation);
        try
        {
            return new StreamServer(connectionString, session, await session.ReadFactsAsync(cancellation));
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends the session.</summary>
    public ValueTask DisposeAsync() => Session.DisposeAsync();

    /// <summary>Without the secret.</summary>
    public override string ToString() => Session.Server;
}
