using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Operations.Configuration;
using Pitr.Operations.Dumps;
using Pitr.Operations.Dumps.Postgres;
using Pitr.Operations.Scratch;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Dumps;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Drill.Dumps;

/// <summary>A PostgreSQL cluster made by initdb, of the version that was dumped or the next later one there is. It makes no tablespaces: their directories may be those of the original.</summary>
/// <param name="settings">The service.</param>
/// <param name="space">Where the cluster goes, and the files of a dump on their way there.</param>
/// <param name="owner">The service, as one that needs scratch space.</param>
sealed class PostgresScratch(PostgresDumpSettings settings, ScratchSpace space, ScratchOwner owner) : IScratchServer
{
    const string Superuser = "postgres";

    // A role of our own: the dump may take the right to log in from the one that every cluster has.
    const string Role = "pitr-drill";

    // Every cluster has it, and no dump holds it.
    const string Template = "template1";

    BinDirectory? _programs;
    PostgresServer? _server;
    TableCounter? _counter;
    Quieter? _target;

    /// <inheritdoc/>
    public IDumpTarget Target => _target ??= new Quieter(new PostgresDumpTarget(settings with { Connection = Server.ConnectionString(Template), Password = null }, owner) { StagingBelow = space.Root });

    /// <inheritdoc/>
    public DumpSelection Selection { get; } = new(null, null) { Globals = true, WithoutTablespaces = true };

    /// <inheritdoc/>
    public IReadOnlyList<TableRows> Tables => _counter?.Counted ?? [];

    PostgresServer Server => _server ?? throw new InvalidOperationException("the server is not made yet");

    /// <inheritdoc/>
    public Task FindAsync(DumpManifest manifest, CancellationToken cancellation)
    {
        _programs = PostgresBinaries.FindServer(int.Parse(string.Concat(manifest.ServerVersion.TakeWhile(char.IsAsciiDigit)), CultureInfo.InvariantCulture), settings.BinDirectory);
        PostgresBinaries.FindClient(PgRestore.Name, _programs.MajorVersion, settings.BinDirectory);
        PostgresBinaries.FindClient(Psql.Name, _programs.MajorVersion, settings.BinDirectory);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task MakeAsync(CancellationToken cancellation)
    {
        await ScratchProcess.RunAsync(
            _programs!.Program("initdb"), [$"--pgdata={space.Data}", $"--username={Superuser}", "--auth=trust", "--encoding=UTF8", "--locale=C"], space.Root, space.Log, cancellation);
        // In single-user mode: who may log in is decided here, before anybody can.
        var (code, _, messages) = await ToolRun.RunAsync(
            _programs.Program("postgres"), ["--single", "-D", space.Data, Template], _ => { }, cancellation, $"CREATE ROLE {SqlText.Identifier(Role)} SUPERUSER LOGIN\n");
        if (code != 0)
        {
            throw new ServerException($"the scratch cluster cannot be set up: {messages}");
        }

        var version = _programs.MajorVersion * 10000;
        _server = PostgresServer.Start(new PostgresServerOptions
        {
            DataDirectory = space.Data,
            BinDirectory = _programs,
            SocketDirectory = space.Sockets,
            LogFile = space.Log,
            Settings = ClusterIsolation.Settings(version),
            SessionOptions = ClusterIsolation.SessionOptions(version),
            User = Role,
            Database = Template,
            StopOnDispose = ServerStopMode.Immediate,
        });
        _counter = new TableCounter(_server);
        await _server.WaitUntilAcceptingAsync(cancellation);
    }

    /// <inheritdoc/>
    public Task OpenAsync(CancellationToken cancellation) => Server.WaitUntilAcceptingAsync(cancellation);

    /// <inheritdoc/>
    public async Task<string> DescribeAsync(CancellationToken cancellation)
    {
        await using var session = await PostgresSession.OpenAsync(Server.ConnectionString(), cancellation);
        return $"{PostgresDumpSource.Product} {(await PostgresDumpSource.ReadVersionAsync(session, cancellation)).Text}";
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ServerCount>> CountAsync(DumpStreamRecord stream, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(stream);
        await using var session = await PostgresSession.OpenAsync(Server.ConnectionString(stream.Database), cancellation);
        return await PostgresDumpSource.CountAsync(session, cancellation);
    }

    /// <inheritdoc/>
    public Task<string> ReadTablesAsync(string database, CancellationToken cancellation) => _counter!.CountAsync(database, cancellation);

    /// <inheritdoc/>
    public Task<SqlAnswer> AskAsync(SqlCheckSettings check, CancellationToken cancellation) => PostgresQuery.AskAsync(Server, check, cancellation);

    /// <inheritdoc/>
    public string Reason(Exception e) => PostgresReason.Of(e, Server);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_server is { } server)
        {
            await server.DisposeAsync();
        }
    }

    /// <summary>The usual target, without the messages that every drill would have: of the role that a new cluster has already, and of tablespaces that were left out.</summary>
    sealed class Quieter(PostgresDumpTarget target) : IDumpTarget
    {
        public Task<DumpRestorePlan> PlanAsync(DumpDocument entry, DumpManifest manifest, DumpSelection selection, CancellationToken cancellation) =>
            target.PlanAsync(entry, manifest, selection, cancellation);

        public async Task<IReadOnlyList<string>> RestoreAsync(DumpRestoreStep step, Func<Stream, Task> copy, CancellationToken cancellation) =>
            [.. (await target.RestoreAsync(step, copy, cancellation)).Where(line => !IsExpected(line))];

        public ValueTask DisposeAsync() => target.DisposeAsync();

        static bool IsExpected(string line) =>
            line.Contains($"role \"{Superuser}\" already exists", StringComparison.Ordinal)
            || (line.Contains("tablespace \"", StringComparison.Ordinal) && line.EndsWith("does not exist", StringComparison.Ordinal));
    }
}
