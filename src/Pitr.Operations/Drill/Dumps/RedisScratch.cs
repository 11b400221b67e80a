using Pitr.Format.Catalog;
using Pitr.Operations.Configuration;
using Pitr.Operations.Dumps;
using Pitr.Operations.Dumps.Redis;
using Pitr.Operations.Scratch;

namespace Pitr.Operations.Drill.Dumps;

/// <summary>A Redis server that loads the file of a dump: no network, no configuration file, no replication, nothing saved.</summary>
/// <param name="settings">The service.</param>
/// <param name="space">Where the file goes.</param>
sealed class RedisScratch(RedisSettings settings, ScratchSpace space) : IScratchServer
{
    // A server refuses a file with more databases than it has; an empty one costs next to nothing.
    const string Databases = "1024";

    string _program = "";
    ScratchProcess? _process;
    RedisTools? _tools;

    /// <inheritdoc/>
    public IDumpTarget Target { get; } = new DumpFilesTarget();

    /// <inheritdoc/>
    public DumpSelection Selection { get; } = new(null, null) { Directory = space.Data };

    /// <inheritdoc/>
    public IReadOnlyList<TableRows> Tables => [];

    string Socket => Path.Combine(space.Sockets, "redis.sock");

    RedisTools Tools => _tools ?? throw new InvalidOperationException("the server is not made yet");

    /// <inheritdoc/>
    public async Task FindAsync(DumpManifest manifest, CancellationToken cancellation)
    {
        _tools = new RedisTools(settings with { Server = new NetworkPlace("localhost", RedisSettings.DefaultPort, Socket), User = null, Password = null });
        (_program, var version) = await RedisServerProgram.FindAsync(settings.BinDirectory, cancellation);
        DumpChoice.RequireNotNewer(manifest, RedisSource.Product, version, _program);
    }

    /// <inheritdoc/>
    // The file comes first: a server loads it only when it starts.
    public Task MakeAsync(CancellationToken cancellation) => Task.CompletedTask;

    /// <inheritdoc/>
    public async Task OpenAsync(CancellationToken cancellation)
    {
        _process = ScratchProcess.Start(
            _program,
            [
                "--port", "0", "--unixsocket", Socket, "--unixsocketperm", "700", "--dir", space.Data, "--dbfilename", RedisSource.Stream, "--save", "", "--appendonly", "no",
                "--daemonize", "no", "--logfile", "", "--databases", Databases, "--loglevel", "notice",
            ],
            space.Data,
            space.Log);
        await _process.WaitUntilAsync(async token => (await Tools.ReadFactsAsync(token)).GetValueOrDefault("loading") == "0", cancellation);
    }

    /// <inheritdoc/>
    public async Task<string> DescribeAsync(CancellationToken cancellation) => $"{RedisSource.Product} {(await Tools.ReadServerAsync(cancellation)).Version}";

    /// <inheritdoc/>
    public Task<IReadOnlyList<ServerCount>> CountAsync(DumpStreamRecord stream, CancellationToken cancellation) => Tools.CountAsync(cancellation);

    /// <inheritdoc/>
    public Task<string> ReadTablesAsync(string database, CancellationToken cancellation) => throw new InvalidOperationException("Redis has no tables");

    /// <inheritdoc/>
    public async Task<SqlAnswer> AskAsync(SqlCheckSettings check, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(check);
        return RedisReply.Read(await Tools.AskAsync(check.Database, check.Sql, cancellation));
    }

    /// <inheritdoc/>
    public string Reason(Exception e) => _process?.Reason(e) ?? e.Message;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            await process.DisposeAsync();
        }
    }
}
