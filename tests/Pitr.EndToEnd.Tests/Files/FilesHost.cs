using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Files;

/// <summary>A host with two repositories and one service of kind files, which protects one tree.</summary>
sealed class FilesHost : IDisposable
{
    public const string Service = "etc";

    readonly TestDirectory _directory = new();

    FilesHost() => Host = new PitrHost(_directory.New("host"), _directory.New("first"));

    public PitrHost Host { get; }

    public TestDirectory Directory => _directory;

    public string Tree => _directory["tree"];

    public string Second => _directory["second"];

    /// <summary>Makes keys, repositories and an empty tree.</summary>
    /// <param name="more">More keys of the service, one a line.</param>
    /// <param name="withSecond">Whether the second repository is there from the beginning.</param>
    public static async Task<FilesHost> CreateAsync(string more = "", bool withSecond = true)
    {
        var made = new FilesHost();
        try
        {
            _ = made._directory.New("tree");
            made.Configure(more);
            (await made.Host.RunAsync("key", "new", "--identity", made.Host.IdentityFile, "--recipient", Path.Combine(made.Host.Directory, "recipient.pem"))).Must();
            (await made.Host.RunAsync("repo", "init", "first")).Must();
            if (withSecond)
            {
                (await made.Host.RunAsync("repo", "init", "second")).Must();
            }

            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    /// <summary>Writes the configuration anew.</summary>
    public void Configure(string more) => File.WriteAllText(
        Host.ConfigurationFile,
        $$"""
        state-directory: {{Host.StateDirectory}}
        agent: { socket: {{Host.Socket}} }
        repositories:
          first: { url: "file://{{Host.Repository}}", retry: { deadline: 1s } }
          second: { url: "file://{{Second}}", retry: { deadline: 1s } }
        encryption:
          recipients: [{{Path.Combine(Host.Directory, "recipient.pem")}}]
          identity: {{Host.IdentityFile}}
        services:
          {{Service}}:
            kind: files
            repositories: [first, second]
            paths: [{{Tree}}]
            {{more.ReplaceLineEndings("\n    ")}}

        """);

    public Task<ProgramRun> RunAsync(params string[] arguments) => Host.RunAsync(arguments);

    /// <summary>Takes a backup.</summary>
    public async Task<System.Text.Json.JsonElement> BackupAsync(int exitCode = 0) => (await RunAsync("--output", "json", "backup", Service)).Must(exitCode).Json;

    /// <summary>Writes a file of the tree.</summary>
    public void Write(string name, string content)
    {
        var path = Path.Combine(Tree, name);
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
    }

    /// <summary>Waits until what was written last is so old that a backup may take it for unchanged the next time.</summary>
    public static Task SettleAsync() => Task.Delay(TimeSpan.FromMilliseconds(200));

    /// <summary>Where something of the tree lies after a restore into a directory.</summary>
    public string Restored(string directory, string name = "") => Path.Combine(_directory[directory] + Tree, name);

    public void Dispose()
    {
        // Names that are no text, and directories that let nobody in, are beyond the base library.
        using var cleared = System.Diagnostics.Process.Start("/bin/sh", ["-c", "chmod -R u+rwx \"$1\"; find \"$1\" -mindepth 1 -delete", "sh", _directory.Path]);
        cleared.WaitForExit();
        _directory.Dispose();
    }
}
