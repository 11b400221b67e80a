using Pitr.Operations.Agent;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Operations.Setup;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Recovery;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Scratch;

/// <summary>
/// A service recovered into scratch space, step by step: files, replay, a server that takes writes. It neither archives nor replicates nor
/// listens on a port, and trusts whoever reaches its socket. Disposing stops it; the files go with the space.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="plan">What is recovered, and to when.</param>
/// <param name="space">Where.</param>
/// <param name="handler">Answers its restore_command.</param>
/// <param name="commands">Writes its restore_command.</param>
sealed class ScratchRecovery(PostgresService service, RestorePlan plan, ScratchSpace space, ArchiveRequestHandler handler, ArchiveCommandLine commands) : IAsyncDisposable
{
    const int ShownLines = 20;

    RecoveryServer? _recovering;

    /// <summary>Settings besides those that isolate it; they win over the restored configuration, too.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>The server, once replay has begun.</summary>
    /// <exception cref="InvalidOperationException">It has not.</exception>
    public PostgresServer Server => (_recovering ?? throw new InvalidOperationException("nothing is replayed yet")).Server;

    /// <summary>How the restored directory of a scratch recovery is set up.</summary>
    /// <param name="service">The service.</param>
    /// <param name="tablespaces">Where tablespaces go, each in a directory of its own.</param>
    /// <param name="commands">Writes the restore_command.</param>
    public static RestoreOptions Options(PostgresService service, string tablespaces, ArchiveCommandLine commands) =>
        new(RecoveryAction.Promote, commands.Get(service.Name.ToString()), ArchiveOff: true) { Tablespaces = TablespaceMap.Below(tablespaces) };

    /// <summary>Looks whether a plan fits into a directory, without touching any.</summary>
    /// <param name="service">The service.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="data">The data directory to be; there is nothing there.</param>
    /// <param name="options">How it is set up.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="ImpossiblePlanException">Too little space.</exception>
    public static async Task<PreparedRestore> PrepareAsync(PostgresService service, RestorePlan plan, string data, RestoreOptions options, CancellationToken cancellation)
    {
        try
        {
            return await new ClusterRestore(service).PrepareAsync(plan, data, options, cancellation);
        }
        catch (ImpossiblePlanException e)
        {
            // Directories of a restore are not at choice here, scratch space is.
            throw new ImpossiblePlanException(e.Message, "free some space, or have the scratch space on another file system: --scratch DIR", e);
        }
    }

    /// <summary>Restores the files.</summary>
    /// <exception cref="ImpossiblePlanException">Too little space, or a directory that cannot be written.</exception>
    public async Task RestoreAsync(IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        using var prepared = await PrepareAsync(service, plan, space.Data, Options(service, space.Tablespaces, commands), cancellation);
        await new ClusterRestore(service).RunAsync(prepared, progress, cancellation);
    }

    /// <summary>Starts PostgreSQL on them and waits until it has recovered to the target and was promoted.</summary>
    /// <exception cref="ServerException">It does not get there.</exception>
    public async Task ReplayAsync(IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var version = plan.Backup.PostgresVersion;
        var settings = new Dictionary<string, string>(Settings, StringComparer.Ordinal);
        foreach (var (name, value) in ClusterIsolation.Settings(version))
        {
            settings[name] = value;
        }

        var guard = new TablespaceGuard(plan.Backup.StartLsn);
        var options = new RecoveryServerOptions(space.Data, space.Sockets, 0, space.Log, settings, OwnConfiguration: true)
        {
            SessionOptions = ClusterIsolation.SessionOptions(version),
            Refuse = guard.Refuse,
        };
        _recovering = RecoveryServer.Start(service, plan.Backup, options, handler, commands);
        try
        {
            await Server.WaitUntilRecoveryEndsAsync(
                state => progress?.Report(new RestoreProgress($"replaying WAL {state.LastRestored}", plan.RestoredBytes, plan.RestoredBytes)), cancellation);
        }
        catch (ServerException e) when (guard.Refusal is { } refusal)
        {
            throw new ServerException(refusal, null, e);
        }
        catch (ServerException e) when (e.Hint?.Contains(space.Log, StringComparison.Ordinal) == true)
        {
            // The log goes with the scratch space, so its end is all that can be shown.
            throw new ServerException($"{e.Message}\nthe end of its log:\n{string.Join('\n', Server.LogTail(ShownLines))}", null, e);
        }
    }

    /// <summary>A session with the recovered cluster, once it accepts connections.</summary>
    /// <exception cref="ServerException">It does not.</exception>
    public async Task<PostgresSession> OpenAsync(CancellationToken cancellation)
    {
        await Server.WaitUntilAcceptingAsync(cancellation);
        return await PostgresSession.OpenAsync(Server.ConnectionString(), cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_recovering is { } recovering)
        {
            await recovering.DisposeAsync();
        }
    }
}
