using System.Text;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.EndToEnd.Tests;

/// <summary>
/// The secrets of repositories, right and wrong ones, appear nowhere but where the user put them: not in argument lists, output, logs
/// or any file below the host, its state and its cluster, whatever goes wrong.
/// </summary>
public sealed class RepositorySecretsTests : IDisposable
{
    const string Closed = "127.0.0.1:1";

    readonly TestDirectory _directory = new();
    readonly PitrHost _host;
    readonly List<ProgramRun> _runs = [];

    public RepositorySecretsTests()
    {
        _host = new PitrHost(_directory.New("host"), _directory["none"]);
        _host.Environment["PITR_LOG__LEVEL"] = "verbose";
        _host.Environment["PITR_LOG__FILE"] = _directory["host/pitr.log"];
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Secrets_are_seen_nowhere_but_where_they_were_put()
    {
        await using var s3 = await StorageServer.StartAsync("ceph-rgw", "S3_");
        await using var ftp = await StorageServer.StartAsync("ftpd", "FTP_");
        string[] secrets = [s3["S3_SECRET_KEY"], ftp["FTP_PASSWORD"], Wrong("key"), Wrong("password")];
        await using var watch = new ProcessWatch(secrets);
        await using var cluster = await ScratchCluster.CreateAsync(new ScratchClusterOptions
        {
            BinDirectory = PostgresBinaries.Find(15),
            Directory = _directory["pg"],
            Fsync = false,
            StopOnDispose = ServerStopMode.Immediate,
            Settings = new Dictionary<string, string> { ["archive_mode"] = "on" },
        });

        PutSecrets(s3["S3_SECRET_KEY"], ftp["FTP_PASSWORD"]);
        await SetUpAsync(cluster, s3, ftp);
        await WorkAsync(cluster);

        PutSecrets(Wrong("key"), Wrong("password"));
        await FailAsync(cluster);

        PutSecrets(s3["S3_SECRET_KEY"], ftp["FTP_PASSWORD"]);
        _host.Environment["PITR_REPOSITORIES__LOCAL__ENDPOINT"] = $"http://{Closed}";
        _host.Environment["PITR_REPOSITORIES__OFFSITE__URL"] = $"ftp://{ftp["FTP_USER"]}@{Closed}/pitr";
        await FailAsync(cluster);

        await watch.StopAsync();
        await cluster.StopAsync(ServerStopMode.Immediate);
        Assert.Empty(watch.Leaks);
        // The watch sees what runs, even what runs for a moment.
        Assert.Contains("curl", watch.Programs);
        Assert.Contains(Path.GetFileName(TestEnvironment.Pitr), watch.Programs);
        Assert.All(_runs, run => Assert.DoesNotContain(secrets, secret => run.ToString().Contains(secret, StringComparison.Ordinal)));
        Assert.Empty(FilesWith(secrets));
        // And so does the search: a word that the log holds is found in it.
        Assert.Contains(FilesWith(["archived 0000"]), file => file.EndsWith("pitr.log", StringComparison.Ordinal));
    }

    async Task SetUpAsync(ScratchCluster cluster, StorageServer s3, StorageServer ftp)
    {
        string[] options = [$"endpoint={s3["S3_ENDPOINT"]}", $"access-key={s3["S3_ACCESS_KEY"]}", $"secret-key=file:{SecretFile}", "retry.deadline=2s"];
        _runs.Add((await _host.InitWithAsync(cluster.ConnectionString(), cluster.DataDirectory, $"s3://{s3["S3_BUCKET"]}/secrets-{Guid.NewGuid():N}", options, "--apply")).Must());
        var offsite = $$"""
              offsite:
                url: ftp://{{ftp["FTP_USER"]}}@{{ftp["FTP_HOST"]}}:{{ftp["FTP_PORT"]}}/secrets
                password: ${FTP_PASSWORD}
                ca-file: {{ftp["FTP_CA"]}}
                retry: { deadline: 2s }
            encryption:
            """;
        var text = await File.ReadAllTextAsync(_host.ConfigurationFile);
        await File.WriteAllTextAsync(_host.ConfigurationFile, text
            .Replace("\nencryption:\n", $"\n{offsite}\n", StringComparison.Ordinal)
            .Replace("repositories: [local]", "repositories: [local, offsite]\n    required: 1", StringComparison.Ordinal));
        await RunAsync(0, "repo", "init", "offsite");
        await RunAsync(0, "config", "show");
        await RunAsync(0, "--output", "json", "config", "show");
        await RunAsync(0, "config", "check");
    }

    async Task WorkAsync(ScratchCluster cluster)
    {
        using var agent = await _host.StartAgentAsync();
        await RunAsync(0, "check", "main");
        await RunAsync(0, "backup", "main");
        await RunAsync(0, "wal", "push", "main", Segment(cluster));
        await using (await RestoredCluster.StartAsync(_host, _directory["to"], "--repository", "offsite"))
        {
            await RunAsync(0, "info", "main");
        }

        foreach (var name in new[] { "local", "offsite" })
        {
            await RunAsync(0, "repo", "ls", name, "services/", "--recursive", "--long");
            await RunAsync(0, "--output", "json", "repo", "stats", name);
            await RunAsync(0, "repo", "put", name, "notes/a", _host.ConfigurationFile);
            await RunAsync(0, "repo", "get", name, "notes/a", "--to", "-");
            await RunAsync(0, "repo", "rm", name, "notes/a", "--yes");
        }

        await RunAsync(0, "repo", "copy", "local", "offsite");
        await RunAsync(0, "repo", "catch-up", "main");
        await RunAsync(0, "key", "list");
        await EndAsync(agent);
    }

    // With secrets that are refused, and with servers that are not there.
    async Task FailAsync(ScratchCluster cluster)
    {
        using var agent = await _host.StartAgentAsync();
        await using (var session = await PostgresSession.OpenAsync(cluster.ConnectionString() + ";Pooling=false"))
        {
            await session.ExecuteAsync("select pg_stat_reset_shared('archiver')");
            await session.ExecuteAsync("create table if not exists t (n int); insert into t values (1)");
            await session.SwitchWalAsync();
            await Eventually.IsTrueAsync(
                async () => await FailuresAsync(session) > 0, () => $"PostgreSQL is told that nothing is archived; {string.Join('\n', cluster.Server.LogTail(30))}");
        }

        await RunAsync(9, "check", "main");
        string[][] commands =
        [
            ["backup", "main"],
            ["wal", "push", "main", Segment(cluster)],
            ["info", "main"],
            ["restore", "main", "--to", _directory["never"], "--dry-run"],
            ["repo", "copy", "local", "offsite"],
            ["repo", "validate", "local"],
            ["repo", "validate", "offsite"],
        ];
        await RunAllAsync(4, commands);
        await RunAllAsync(4, new[] { "local", "offsite" }.SelectMany(name => new string[][]
        {
            ["repo", "init", name],
            ["repo", "ls", name],
            ["--output", "json", "repo", "stats", name],
            ["repo", "put", name, "notes/a", _host.ConfigurationFile],
        }));
        await EndAsync(agent);
    }

    async Task RunAsync(int exitCode, params string[] arguments) => _runs.Add((await _host.RunAsync(arguments)).Must(exitCode));

    // Most of the time of a command that fails is waiting.
    async Task RunAllAsync(int exitCode, IEnumerable<string[]> commands) =>
        _runs.AddRange((await Task.WhenAll(commands.Select(_host.RunAsync))).Select(run => run.Must(exitCode)));

    async Task EndAsync(RunningProgram agent)
    {
        await agent.KillAsync();
        _runs.Add(await agent.EndAsync(TimeSpan.FromMinutes(1)));
    }

    static async Task<long> FailuresAsync(PostgresSession session)
    {
        await using var command = new Npgsql.NpgsqlCommand("select failed_count from pg_stat_archiver", session.Connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    static string Segment(ScratchCluster cluster) => Directory.EnumerateFiles(Path.Combine(cluster.DataDirectory, "pg_wal"))
        .Where(path => Path.GetFileName(path).Length == 24 && File.Exists(Path.Combine(Path.GetDirectoryName(path)!, "archive_status", Path.GetFileName(path) + ".done")))
        .Order(StringComparer.Ordinal).Last();

    // Outside of what is searched.
    string SecretFile => _directory["secret"];

    void PutSecrets(string key, string password)
    {
        File.WriteAllText(SecretFile, key + "\n");
        File.SetUnixFileMode(SecretFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _host.Environment["FTP_PASSWORD"] = password;
    }

    readonly string _mark = Guid.NewGuid().ToString("N");

    string Wrong(string what) => $"wrong-{what}-{_mark}";

    IEnumerable<string> FilesWith(IReadOnlyList<string> words)
    {
        var sought = words.Select(Encoding.UTF8.GetBytes).ToArray();
        return Directory.EnumerateFiles(_directory.Path, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None })
            // What an ended program leaves of a socket cannot be read.
            .Where(path => path != SecretFile && path != _host.Socket && Array.Exists(sought, word => File.ReadAllBytes(path).AsSpan().IndexOf(word) >= 0))
            .ToArray();
    }
}
