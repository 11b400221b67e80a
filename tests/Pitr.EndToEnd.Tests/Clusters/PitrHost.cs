using System.Net.Sockets;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Clusters;

/// <summary>One host as pitr sees it: configuration, keys, state and socket in one directory, and a repository.</summary>
sealed class PitrHost(string directory, string repository)
{
    public const string Service = "main";

    public string Directory { get; } = directory;

    public string Repository { get; } = repository;

    public string ConfigurationFile => Path.Combine(Directory, "pitr.yaml");

    public string IdentityFile => Path.Combine(Directory, "identity.pem");

    public string StateDirectory => Path.Combine(Directory, "state");

    public string Socket => Path.Combine(Directory, "agent.sock");

    /// <summary>Added to the environment of every program of this host.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    /// <summary>Put before every program that is started from now on, with its arguments; none at first.</summary>
    public IReadOnlyList<string> Through { get; set; } = [];

    /// <summary>Writes a configuration by hand, for a host that has no server.</summary>
    public void WriteConfiguration(string more = "") => File.WriteAllText(
        ConfigurationFile,
        $$"""
        state-directory: {{StateDirectory}}
        agent: { socket: {{Socket}} }
        repositories:
          local:
            url: file://{{Repository}}
        encryption:
          recipients: [{{Path.Combine(Directory, "recipient.pem")}}]
          identity: {{IdentityFile}}
        services:
          main:
            kind: postgres
            connection: "Host={{Directory}};Username=postgres"
            repositories: [local]
        {{more}}

        """);

    /// <summary>`pitr init` for a server.</summary>
    public Task<ProgramRun> InitAsync(string connection, string dataDirectory, params string[] more) => RunAsync(
        ["init", "--service", Service, "--data-directory", dataDirectory, "--connection", connection, "--repository", $"file://{Repository}",
            "--state-directory", StateDirectory, "--socket", Socket, .. more]);

    /// <summary>`pitr init` for a server, with a repository that is no directory.</summary>
    public Task<ProgramRun> InitWithAsync(string connection, string dataDirectory, string url, IEnumerable<string> options, params string[] more) => RunAsync(
        ["init", "--service", Service, "--data-directory", dataDirectory, "--connection", connection, "--repository", url,
            .. options.SelectMany(option => new[] { "--repository-option", option }), "--state-directory", StateDirectory, "--socket", Socket, .. more]);

    /// <summary>Runs pitr with this host's configuration.</summary>
    public Task<ProgramRun> RunAsync(params string[] arguments) => RunProgramAsync([TestEnvironment.Pitr, .. Arguments(arguments)]);

    public RunningProgram Start(params string[] arguments)
    {
        string[] line = [.. Through, TestEnvironment.Pitr, .. Arguments(arguments)];
        return RunningProgram.Start(line[0], line[1..], Environment);
    }

    /// <summary>Runs pitr-archive as PostgreSQL would: agent first.</summary>
    public Task<ProgramRun> ArchiveAsync(params string[] arguments) =>
        RunProgramAsync([TestEnvironment.PitrArchive, "--config", ConfigurationFile, "--socket", Socket, "--pitr", TestEnvironment.Pitr, .. arguments]);

    /// <summary>Starts `pitr agent` and waits until it listens.</summary>
    public async Task<RunningProgram> StartAgentAsync()
    {
        var agent = Start("agent");
        await Eventually.IsTrueAsync(
            async () =>
            {
                if (agent.HasExited)
                {
                    Assert.Fail((await agent.EndAsync(TimeSpan.FromSeconds(1))).ToString());
                }

                return await ListensAsync();
            },
            () => "the agent listens");
        return agent;
    }

    /// <summary>The object's path in the file repository.</summary>
    public string PathOf(string key) => Path.Combine(Repository, key);

    /// <summary>The path of a stored WAL file of this service.</summary>
    public string WalPath(string name) => name.EndsWith(".history", StringComparison.Ordinal)
        ? PathOf($"services/{Service}/wal/{name}")
        : PathOf($"services/{Service}/wal/{name[..8]}/{name[8..16]}/{name}");

    Task<ProgramRun> RunProgramAsync(string[] line)
    {
        line = [.. Through, .. line];
        return ProgramRun.RunAsync(line[0], line[1..], Environment);
    }

    async Task<bool> ListensAsync()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    string[] Arguments(string[] arguments) => ["--config", ConfigurationFile, .. arguments];
}
