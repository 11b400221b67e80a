using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Documents;

/// <summary>Every command that the documents and help texts show is one that pitr understands. What it does is not looked at here: there is nothing for it to work on.</summary>
public sealed partial class DocumentedCommandsTests : IDisposable
{
    const int Usage = 2;
    const int MistypedGet = 126;

    // A command line that is wrong ends at once; an agent does not, nor does whoever waits for a repository.
    const int Seconds = 5;

    readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Every_command_in_the_documents_is_understood()
    {
        var documents = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "documents"), "*.md", SearchOption.AllDirectories);
        var commands = documents.SelectMany(file => DocumentedCommand.OfMarkdown(Path.GetFileName(file), File.ReadAllText(file))).ToArray();
        // Fewer would mean that they are not found any more.
        Assert.True(commands.Length > 100, $"only {commands.Length} commands in {documents.Length} documents");
        Assert.Contains(commands, c => c.Source == "guide.ko.md");
        await RequireUnderstoodAsync(commands);
    }

    [Fact]
    public async Task Every_example_in_the_help_is_understood()
    {
        var commands = new List<DocumentedCommand>();
        await ReadHelpAsync([], commands);
        Assert.True(commands.Count > 60, $"only {commands.Count} examples");
        await RequireUnderstoodAsync(commands);
    }

    static async Task ReadHelpAsync(string[] words, List<DocumentedCommand> commands)
    {
        var help = (await ProgramRun.RunAsync(TestEnvironment.Pitr, [.. words, "--help"])).Must().Output;
        commands.AddRange(DocumentedCommand.OfHelp($"pitr {string.Join(' ', words)} --help", help));
        var names = help.IndexOf("\nCommands:\n", StringComparison.Ordinal) is >= 0 and var start ? help[(start + "\nCommands:\n".Length)..] : "";
        foreach (Match name in CommandName().Matches(names))
        {
            await ReadHelpAsync([.. words, name.Groups[1].Value], commands);
        }
    }

    async Task RequireUnderstoodAsync(IReadOnlyList<DocumentedCommand> commands)
    {
        var environment = new Dictionary<string, string> { ["PITR_CONFIG"] = WriteConfiguration(), ["PATH"] = $"{Path.GetDirectoryName(TestEnvironment.Pitr)}:/usr/bin:/bin" };
        (await ProgramRun.RunAsync(TestEnvironment.Pitr, ["config", "check"], environment)).Must();
        var wrong = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(commands.DistinctBy(c => c.Text), async (command, _) =>
        {
            var run = await ProgramRun.RunAsync("/bin/sh", ["-c", Elsewhere($"timeout {Seconds} {command.Text}")], environment, _directory.Path);
            if (run.ExitCode is Usage or 70 || (run.ExitCode == MistypedGet && run.Errors.Contains("--help", StringComparison.Ordinal)))
            {
                wrong.Add($"{command}\n  {run.Errors}");
            }
        });
        Assert.True(wrong.IsEmpty, $"{wrong.Count} of {commands.Count}\n{string.Join('\n', wrong)}");
    }

    // Nothing outside of the test's directory is written or found.
    string Elsewhere(string command) => AbsolutePath().Replace(command, $"{_directory.Path}/");

    // The services that the documents speak of. Nothing answers there.
    string WriteConfiguration()
    {
        var file = _directory["pitr.yaml"];
        File.WriteAllText(file, $$"""
            state-directory: {{_directory["state"]}}
            agent: { socket: {{_directory["agent.sock"]}} }
            repositories:
              local: { url: "file://{{_directory["local"]}}", retry: { deadline: 1s } }
              offsite: { url: "file://{{_directory["offsite"]}}", retry: { deadline: 1s } }
            encryption: { recipients: ["{{_directory["recipient.pem"]}}"], identity: {{_directory["identity.pem"]}} }
            services:
              main: { kind: postgres, data-directory: {{_directory["main"]}}, connection: "Host={{_directory.Path}};Timeout=1", repositories: [local, offsite] }
              main-17: { kind: postgres, data-directory: {{_directory["main-17"]}}, connection: "Host={{_directory.Path}};Timeout=1", repositories: [local] }
              shop: { kind: postgres-dump, connection: "Host={{_directory.Path}};Timeout=1", repositories: [local] }
              legacy: { kind: mysql, host: 127.0.0.1, port: 1, user: x, repositories: [local] }
              orders: { kind: mysql, host: 127.0.0.1, port: 1, user: x, repositories: [local] }
              cache: { kind: redis, socket: {{_directory["redis.sock"]}}, repositories: [local] }
              documents: { kind: mongodb, host: 127.0.0.1, port: 1, repositories: [local] }
              vectors: { kind: qdrant, url: "http://127.0.0.1:1", repositories: [local] }
              etc: { kind: files, paths: [{{_directory["etc"]}}], repositories: [local] }
              uploads: { kind: files, paths: [{{_directory["uploads"]}}], repositories: [local] }
            """);
        return file;
    }

    [GeneratedRegex(@"^  ([a-z-]+)(?: |$)", RegexOptions.CultureInvariant | RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex CommandName();

    [GeneratedRegex(@"(?<=^|[\s='""])/(?=[a-z])", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex AbsolutePath();
}
