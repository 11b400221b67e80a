using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>A host with two repositories and one service whose backups are dumps.</summary>
sealed class DumpHost : IDisposable
{
    public const string Service = "shop";

    readonly TestDirectory _directory = new();

    DumpHost() => Host = new PitrHost(_directory.New("host"), _directory.New("first"));

    public PitrHost Host { get; }

    public TestDirectory Directory => _directory;

    public string First => Host.Repository;

    public string Second => _directory["second"];

    /// <summary>Makes keys and repositories.</summary>
    /// <param name="service">Keys of the service, one a line.</param>
    /// <param name="required">How many repositories must hold a backup.</param>
    /// <param name="limit">Rate at which either repository takes anything, so that a dump takes its time; null: none.</param>
    public static async Task<DumpHost> CreateAsync(string service, string required = "all", string? limit = null)
    {
        var made = new DumpHost();
        try
        {
            System.IO.Directory.CreateDirectory(made.Second);
            made.Configure(service, required, limit);
            (await made.Host.RunAsync("key", "new", "--identity", made.Host.IdentityFile, "--recipient", Path.Combine(made.Host.Directory, "recipient.pem"))).Must();
            (await made.Host.RunAsync("repo", "init", "first")).Must();
            (await made.Host.RunAsync("repo", "init", "second")).Must();
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    /// <summary>Writes the configuration anew.</summary>
    public void Configure(string service, string required = "all", string? limit = null) => File.WriteAllText(
        Host.ConfigurationFile,
        $$"""
        state-directory: {{Host.StateDirectory}}
        agent: { socket: {{Host.Socket}} }
        repositories:
          first: { url: "file://{{First}}", retry: { deadline: 1s }{{(limit is null ? "" : $", upload-limit: {limit}")}} }
          second: { url: "file://{{Second}}", retry: { deadline: 1s } }
        encryption:
          recipients: [{{Path.Combine(Host.Directory, "recipient.pem")}}]
          identity: {{Host.IdentityFile}}
        services:
          shop:
            repositories: [first, second]
            required: {{required}}
            backup: { part-size: 1MiB }
            {{service.ReplaceLineEndings("\n    ")}}

        """);

    public Task<ProgramRun> RunAsync(params string[] arguments) => Host.RunAsync(arguments);

    /// <summary>Takes a backup.</summary>
    /// <returns>Its id.</returns>
    public async Task<string> BackupAsync() => (await RunAsync("--output", "json", "backup", Service)).Must().Json.GetProperty("id").GetString()!;

    /// <summary>Where a backup lies in a repository.</summary>
    public static string PathOf(string repository, string backup) => Path.Combine(repository, "services", Service, "dumps", backup);

    /// <summary>Everything that lies below dumps/ in a repository.</summary>
    public static string[] Stored(string repository)
    {
        var path = Path.Combine(repository, "services", Service, "dumps");
        return System.IO.Directory.Exists(path) ? System.IO.Directory.GetFiles(path, "*", SearchOption.AllDirectories) : [];
    }

    /// <summary>The objects of dumps among them: what a killed process was writing has a name that is no key.</summary>
    public static string[] Objects(string repository) => [.. Stored(repository).Where(file => !Path.GetFileName(file).StartsWith(".tmp-", StringComparison.Ordinal))];

    /// <summary>Fails the test unless no repository holds anything of a dump, and nobody is owed anything of one.</summary>
    public void RequireNothingLeft()
    {
        Assert.Empty(Stored(First));
        Assert.Empty(Stored(Second));
        var owed = Path.Combine(Host.StateDirectory, "services", Service, "owed");
        Assert.True(
            !System.IO.Directory.Exists(owed) || !System.IO.Directory.EnumerateFiles(owed, "*", SearchOption.AllDirectories).Any(f => f.Contains("/dumps/", StringComparison.Ordinal)), $"{owed} has debts");
    }

    /// <summary>Waits until a part is in the first repository, while a backup runs.</summary>
    public Task AwaitPartAsync(RunningProgram backup) => Eventually.IsTrueAsync(() => backup.HasExited || Objects(First).Length > 0, () => "a part is stored");

    public void Dispose() => _directory.Dispose();
}
