using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Dumps;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Groups;

/// <summary>
/// A host with a group of two or three services: db (postgres-dump, of a real server, where there is one), documents (mongodb) and vectors (qdrant), which are doubles and no real ones. Documents has the databases shop
/// (orders, an index, a view) and stock, vectors the collections movies (alias films) and songs. Disposing drops whatever PostgreSQL has of this group.
/// </summary>
sealed class CopiedGroupHost : IAsyncDisposable
{
    readonly TestDirectory _directory = new();
    readonly DumpedCluster? _cluster;
    readonly GroupApplications _applications;

    CopiedGroupHost(DumpedCluster? cluster, string database)
    {
        (_cluster, Database) = (cluster, database);
        _applications = new GroupApplications(_directory);
        Host = new PitrHost(_directory.New("host"), _directory.New("repository"));
    }

    public PitrHost Host { get; }

    /// <summary>Name of PostgreSQL's database.</summary>
    public string Database { get; }

    public MongodbDouble Documents { get; private set; } = null!;

    public QdrantDouble Vectors { get; private set; } = null!;

    public GroupApplications Applications => _applications;

    public string JournalFile => Path.Combine(Host.StateDirectory, "groups", "restore.json");

    public string this[string file] => _directory[file];

    public static async Task<CopiedGroupHost> CreateAsync(DumpedCluster? cluster, string database, params string[] mongodbOptions)
    {
        var made = new CopiedGroupHost(cluster, database);
        try
        {
            await made.MakeAsync(mongodbOptions);
            return made;
        }
        catch
        {
            await made.DisposeAsync();
            throw;
        }
    }

    /// <summary>Writes the configuration anew.</summary>
    public void Configure() => File.WriteAllText(
        Host.ConfigurationFile,
        $$"""
        state-directory: {{Host.StateDirectory}}
        agent: { socket: {{Host.Socket}} }
        repositories:
          local: { url: "file://{{Host.Repository}}", retry: { deadline: 1s } }
        encryption:
          recipients: [{{Path.Combine(Host.Directory, "recipient.pem")}}]
          identity: {{Host.IdentityFile}}
        applications:
          stop-command: {{_applications.Script}} stop
          start-command: {{_applications.Script}} start
          health-check: {{_applications.Script}} check
          timeout: 3s
        services:
          {{(_cluster is null ? "" : $"""
            db:
              repositories: [local]
              kind: postgres-dump
              connection: "Host={_cluster.Cluster.SocketDirectory};Port={_cluster.Cluster.Server.Port};Username=dumper;Database=postgres"
              password: file:{this["password-db"]}
              databases: [{Database}]
            """.ReplaceLineEndings("\n  "))}}
          documents:
            repositories: [local]{{(_cluster is null ? "" : "\n    after: [db]")}}
            {{Documents.Service(this["password-documents"]).ReplaceLineEndings("\n    ")}}
          vectors:
            after: [documents]
            repositories: [local]
            {{Vectors.Service(this["key"], "timeout: 20s").ReplaceLineEndings("\n    ")}}

        """);

    public Task<ProgramRun> RunAsync(params string[] arguments) => Host.RunAsync(arguments);

    public void Touch(string file, string content = "") => File.WriteAllText(this[file], content);

    /// <summary>Starts Qdrant's double again, with what it had.</summary>
    public async Task RestartVectorsAsync()
    {
        var port = new Uri(Vectors.Url).Port;
        Vectors.Dispose();
        Vectors = await QdrantDouble.StartAsync("--state", this["qdrant.json"], "--port", $"{port}");
    }

    /// <summary>Something happens after the backup, everywhere.</summary>
    public async Task ChangeAsync()
    {
        await ExecuteAsync("INSERT INTO notes (note) VALUES ('later')");
        await Documents.LoadAsync("shop", "orders", 251, 260);
        await Documents.LoadAsync("shop", "later", 1, 2);
        await Documents.IndexAsync("shop", "later", "by_text", "text");
        await Vectors.LoadAsync("movies", 7, first: 5000);
        await Vectors.AliasAsync("cinema", "movies");
    }

    /// <summary>All that the services hold, as one text, without what is kept aside.</summary>
    public async Task<string> StateAsync()
    {
        var notes = _cluster is null ? "" : await _cluster.ContentAsync(Database, "public.notes");
        var vectors = (await Vectors.ContentAsync()).Where(c => !IsAside(c.Key)).OrderBy(c => c.Key, StringComparer.Ordinal);
        var aliases = (await Vectors.AliasesAsync()).OrderBy(a => a.Key, StringComparer.Ordinal);
        return string.Join('\n', notes, string.Join('\n', Documents.Databases.Where(d => !IsAside(d)).Select(d => $"{d}: {Documents.ContentOf(d)}")), string.Join(' ', vectors), string.Join(' ', aliases));
    }

    /// <summary>What is kept aside, by name: of PostgreSQL, MongoDB and Qdrant.</summary>
    public async Task<string[]> AsideAsync()
    {
        return [.. await DatabasesAsync("\\_%"), .. Documents.Databases.Where(IsAside), .. (await Vectors.ContentAsync()).Keys.Where(IsAside).Order(StringComparer.Ordinal)];
    }

    /// <summary>Fails the test unless nothing is kept or left over anywhere.</summary>
    public async Task RequireNothingAsideAsync()
    {
        Assert.Empty(await AsideAsync());
        Assert.Empty(await Vectors.SnapshotsAsync());
        Assert.False(File.Exists(JournalFile));
    }

    public async ValueTask DisposeAsync()
    {
        _applications.Release();
        foreach (var name in await DatabasesAsync("%"))
        {
            await _cluster!.ExecuteAsync("postgres", $"DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
        }

        Vectors?.Dispose();
        _directory.Dispose();
    }

    async Task MakeAsync(string[] mongodbOptions)
    {
        _applications.Make();
        await (_cluster?.ExecuteAsync("postgres", $"CREATE DATABASE {Database} TEMPLATE template0") ?? Task.CompletedTask);
        await ExecuteAsync("CREATE TABLE notes (id serial PRIMARY KEY, note text); INSERT INTO notes (note) VALUES ('backed up')");
        Documents = await MongodbDouble.MakeAsync(_directory.New("mongodb"), mongodbOptions);
        await Documents.LoadAsync("shop", "orders", 1, 250);
        await Documents.IndexAsync("shop", "orders", "by_text", "text");
        await Documents.ViewAsync("shop", "recent");
        await Documents.LoadAsync("stock", "items", 1, 3);
        Vectors = await QdrantDouble.StartAsync("--state", this["qdrant.json"]);
        await Vectors.LoadAsync("movies", 2000);
        await Vectors.LoadAsync("songs", 3);
        await Vectors.AliasAsync("films", "movies");
        DumpedCluster.WritePassword(this["password-db"], DumpedCluster.Password);
        DumpedCluster.WritePassword(this["password-documents"], MongodbDouble.Password);
        DumpedCluster.WritePassword(this["key"], QdrantDouble.ApiKey);
        Configure();
        (await RunAsync("key", "new", "--identity", Host.IdentityFile, "--recipient", Path.Combine(Host.Directory, "recipient.pem"))).Must();
        (await RunAsync("repo", "init", "local")).Must();
    }

    Task ExecuteAsync(string sql) => _cluster?.ExecuteAsync(Database, sql) ?? Task.CompletedTask;

    async Task<string[]> DatabasesAsync(string pattern) => _cluster is null
        ? []
        : (await _cluster.ScalarAsync<string>("postgres", $"SELECT coalesce(string_agg(datname, ',' ORDER BY datname), '') FROM pg_database WHERE datname LIKE '{Database}{pattern}'")).Split(',', StringSplitOptions.RemoveEmptyEntries);

    static bool IsAside(string name) => name.Contains("_before_", StringComparison.Ordinal) || name.Contains("_undone_", StringComparison.Ordinal);
}
