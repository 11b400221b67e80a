using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Operations.Agent;
using Pitr.Operations.Services;
using Pitr.Operations.Setup;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Restore;

/// <summary>
/// A restored cluster while it recovers: PostgreSQL as a child process, and a socket of our own that serves its restore_command from
/// this process, so that no program starts cold for each segment.
/// </summary>
public sealed class RecoveryServer : IAsyncDisposable
{
    // Settings without which a server refuses to replay this cluster's WAL (PostgreSQL 15 documentation, 27.4.3).
    static readonly string[] ReplaySettings = ["max_connections", "max_worker_processes", "max_wal_senders", "max_prepared_transactions", "max_locks_per_transaction"];

    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    // RestoreArchivedFile() of PostgreSQL src/backend/access/transam/xlogarchive.c takes anything above 125 for a reason to stop, and 1 for the end of the archive.
    const int EndsRecovery = 126;

    readonly ArchiveSocket _socket;
    readonly string _socketDirectory;

    RecoveryServer(PostgresServer server, ArchiveSocket socket, string socketDirectory)
    {
        Server = server;
        _socket = socket;
        _socketDirectory = socketDirectory;
    }

    /// <summary>The running server.</summary>
    public PostgresServer Server { get; }

    /// <summary>Starts PostgreSQL on a restored directory; returns at once.</summary>
    /// <param name="service">The service it was restored from.</param>
    /// <param name="backup">The backup it started from.</param>
    /// <param name="options">Where and how.</param>
    /// <param name="handler">Answers its restore_command.</param>
    /// <param name="commands">Writes the restore_command that asks here; it wins over the one in the directory until the next start.</param>
    public static RecoveryServer Start(
        PostgresService service, BackupDocument backup, RecoveryServerOptions options, ArchiveRequestHandler handler, ArchiveCommandLine commands)
    {
        // Before anything is made that would have to be taken back: the programs of this version may be missing.
        var prepared = Prepare(service, backup, options);
        // A scratch cluster has a socket directory of its own, which is cleared away with it.
        var socketDirectory = options.OwnConfiguration
            ? Directory.CreateDirectory(Path.Combine(options.SocketDirectory, "pitr"), Private).FullName
            : RecoverySocketDirectory.Make(service.Log);
        var socketPath = RecoverySocketDirectory.SocketIn(socketDirectory);
        var socket = ArchiveSocket.Listen(socketPath, options.Refuse is { } refuse ? Guarded(handler, refuse) : handler.HandleAsync, service.Log);
        var settings = new Dictionary<string, string>(options.Settings, StringComparer.Ordinal)
        {
            ["restore_command"] = commands.WithSocket(socketPath).Get(service.Name.ToString()),
        };
        return new RecoveryServer(PostgresServer.Start(prepared with { Settings = settings }, service.Clock), socket, socketDirectory);
    }

    static Func<ArchiveRequest, CancellationToken, Task<ArchiveResponse>> Guarded(ArchiveRequestHandler handler, Func<string, string, string?> refuse) =>
        async (request, cancellation) =>
        {
            var response = await handler.HandleAsync(request, cancellation);
            if (response.ExitCode != 0 || request.Verb != "get")
            {
                return response;
            }

            var path = request.Require("path");
            if (refuse(request.Require("file"), path) is not { } refusal)
            {
                return response;
            }

            File.Delete(path);
            return new ArchiveResponse(EndsRecovery, refusal);
        };

    static PostgresServerOptions Prepare(PostgresService service, BackupDocument backup, RecoveryServerOptions options)
    {
        var programs = PostgresBinaries.FindForDataDirectory(options.DataDirectory, service.Settings.BinDirectory);
        var login = new Npgsql.NpgsqlConnectionStringBuilder(service.Settings.RevealConnection());
        var configuration = options.OwnConfiguration || !File.Exists(Path.Combine(options.DataDirectory, "postgresql.conf"))
            ? WriteConfiguration(options.DataDirectory, backup, options.OwnConfiguration)
            : null;
        return new PostgresServerOptions
        {
            DataDirectory = options.DataDirectory,
            BinDirectory = programs,
            SocketDirectory = options.SocketDirectory,
            Port = options.Port,
            LogFile = options.LogFile,
            ConfigFile = configuration is null ? null : Path.Combine(configuration, "postgresql.conf"),
            HbaFile = configuration is null ? null : Path.Combine(configuration, "pg_hba.conf"),
            IdentFile = configuration is null ? null : Path.Combine(configuration, "pg_ident.conf"),
            User = login.Username ?? "postgres",
            SessionOptions = options.SessionOptions,
        };
    }

    // Clusters whose configuration lies elsewhere (Debian: /etc/postgresql) come back without any. What is written here is enough to
    // recover and to look inside. A drill's scratch cluster trusts whoever reaches its socket, which lies in a directory of mode 0700;
    // a restored cluster takes local users under their own names only.
    static string WriteConfiguration(string dataDirectory, BackupDocument backup, bool beside)
    {
        var directory = beside ? dataDirectory + ".conf" : dataDirectory;
        Directory.CreateDirectory(directory, Private);
        // The catalog is not authenticated: nothing but whole numbers may come from it into a configuration.
        var lines = ReplaySettings
            .Where(name => backup.Settings.TryGetValue(name, out var value) && int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .Select(name => $"{name} = {backup.Settings[name]}")
            .Prepend("# Written by pitr for a restored cluster that had no configuration in its data directory.");
        File.WriteAllLines(Path.Combine(directory, "postgresql.conf"), lines);
        WriteIfMissing(Path.Combine(directory, "pg_hba.conf"), $"# Written by pitr: local connections only.\nlocal all all {(beside ? "trust" : "peer")}\n");
        WriteIfMissing(Path.Combine(directory, "pg_ident.conf"), "# Written by pitr.\n");
        return directory;
    }

    static void WriteIfMissing(string path, string content)
    {
        if (!File.Exists(path))
        {
            File.WriteAllText(path, content);
        }
    }

    /// <summary>Stops serving restore_command; a server that was detached goes on without.</summary>
    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await _socket.DisposeAsync();
        RecoverySocketDirectory.Remove(_socketDirectory);
    }
}
