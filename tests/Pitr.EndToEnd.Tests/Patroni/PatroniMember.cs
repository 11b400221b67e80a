using System.Net;
using System.Text;
using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests.Patroni;

/// <summary>A member of a cluster that a real Patroni runs: its daemon, its server, and a host with pitr. Disposing kills all of it.</summary>
sealed class PatroniMember : IAsyncDisposable
{
    static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(60) };

    readonly string _directory;
    readonly string _name;
    readonly int _etcdPort;
    readonly int _apiPort = LoopbackPort.Free();
    readonly int _port = LoopbackPort.Free();
    RunningProgram? _daemon;

    public PatroniMember(string directory, string name, int etcdPort, string repository)
    {
        (_directory, _name, _etcdPort) = (Directory.CreateDirectory(directory).FullName, name, etcdPort);
        Host = new PitrHost(Directory.CreateDirectory(Path.Combine(directory, "host")).FullName, repository);
    }

    public PitrHost Host { get; }

    public string Data => Path.Combine(_directory, "data");

    public string ConnectionString => $"Host=127.0.0.1;Port={_port};Username=postgres;Database=postgres;Pooling=false";

    /// <summary>What the daemon, and the commands it has run, have written.</summary>
    public string Log => File.Exists(LogFile) ? File.ReadAllText(LogFile) : "";

    string LogFile => Path.Combine(_directory, "patroni.log");

    /// <summary>Starts Patroni.</summary>
    /// <param name="scope">The cluster it belongs to.</param>
    /// <param name="bootstrap">How a cluster that is not known yet is made: lines below `bootstrap`.</param>
    public void Start(string scope, string bootstrap)
    {
        var configuration = Path.Combine(_directory, "patroni.yml");
        File.WriteAllText(configuration, Configuration(scope, bootstrap));
        // The log is a file: a pipe would be held open by the server, which outlives its daemon.
        _daemon = RunningProgram.Start(
            "/bin/sh", ["-c", "exec /usr/bin/patroni \"$1\" >>\"$2\" 2>&1", "sh", configuration, LogFile], new Dictionary<string, string> { ["PITR_PROGRAM"] = TestEnvironment.Pitr });
    }

    // As docs/patroni.md has it, with the shortest times that Patroni allows.
    string Configuration(string scope, string bootstrap) => $$"""
        scope: {{scope}}
        name: {{_name}}
        restapi: { listen: '127.0.0.1:{{_apiPort}}', connect_address: '127.0.0.1:{{_apiPort}}' }
        etcd3: { host: '127.0.0.1:{{_etcdPort}}' }
        bootstrap:
          dcs:
            ttl: 20
            loop_wait: 1
            retry_timeout: 3
            postgresql:
              parameters:
                wal_level: replica
                archive_mode: "on"
                archive_command: "{{Archive}} push main %p"
                fsync: "off"
        {{bootstrap}}
        postgresql:
          listen: 127.0.0.1:{{_port}}
          connect_address: 127.0.0.1:{{_port}}
          data_dir: {{Data}}
          bin_dir: {{PostgresBinaries.Find(15).Path}}
          pgpass: {{_directory}}/pgpass
          parameters: { unix_socket_directories: '{{Host.Directory}}' }
          authentication:
            superuser: { username: postgres }
            replication: { username: replicator }
          pg_hba: [ 'local all all trust', 'host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust' ]
          create_replica_methods: [ pitr ]
          pitr:
            command: {{Pitr}} patroni-restore main
            keep_data: True
            no_leader: 1
          recovery_conf:
            restore_command: "{{Archive}} get main %f %p --standby"

        """;

    /// <summary>The program with this host's configuration, as a line of a configuration.</summary>
    public string Pitr => $"{TestEnvironment.Pitr} --config {Host.ConfigurationFile}";

    string Archive => $"{TestEnvironment.PitrArchive} --config {Host.ConfigurationFile} --socket {Host.Socket} --pitr {TestEnvironment.Pitr}";

    /// <summary>Waits until the REST API answers 200: "leader", "replica", "read-only" and so on.</summary>
    public Task MustBecomeAsync(string state) => Eventually.IsTrueAsync(
        async () =>
        {
            Assert.False(_daemon!.HasExited, Log);
            try
            {
                using var answer = await Http.GetAsync(Url(state));
                return answer.StatusCode == HttpStatusCode.OK;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        },
        () => $"{_name} is {state}; {Log}");

    /// <summary>Asks for a switchover or a new initialization.</summary>
    public async Task AskAsync(string what, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var answer = await Http.PostAsync(Url(what), content);
        Assert.True(answer.IsSuccessStatusCode, $"{what}: {answer.StatusCode} {await answer.Content.ReadAsStringAsync()}\n{Log}");
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return (T)(await command.ExecuteScalarAsync())!;
    }

    Uri Url(string what) => new($"http://127.0.0.1:{_apiPort}/{what}");

    /// <summary>kill -9 of the daemon, then the server at once.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
        {
            await _daemon.KillAsync();
            _daemon.Dispose();
            if (File.Exists(Path.Combine(Data, "postmaster.pid")))
            {
                await ProgramRun.RunAsync(PostgresBinaries.Find(15).Program("pg_ctl"), ["-D", Data, "-m", "immediate", "-w", "stop"]);
            }
        }
    }
}
