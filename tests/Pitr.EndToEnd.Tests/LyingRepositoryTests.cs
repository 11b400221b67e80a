using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests;

/// <summary>What `wal get` makes of repositories that give something else than was stored: never a file for PostgreSQL, never "there is none".</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class LyingRepositoryTests(ProtectedService service) : IAsyncLifetime
{
    readonly TestDirectory _directory = new();
    PitrHost? _host;
    RunningProgram? _agent;

    PitrHost Host => _host!;

    string Second => _directory["second"];

    public async Task InitializeAsync()
    {
        _host = new PitrHost(_directory.New("host"), _directory["repository"]);
        (await _host.InitAsync($"Host={_directory.Path}", _directory["data"])).Must();
        _host.WriteConfiguration();
        var text = await File.ReadAllTextAsync(_host.ConfigurationFile);
        await File.WriteAllTextAsync(_host.ConfigurationFile, text
            .Replace("\nencryption:", $"\n  second:\n    url: file://{Second}\n    retry: {{ deadline: 1s }}\nencryption:", StringComparison.Ordinal)
            .Replace("repositories: [local]", "repositories: [local, second]\n    wal: { get-deadline: 2s }", StringComparison.Ordinal));
        (await _host.RunAsync("repo", "init", "second")).Must();
        foreach (var segment in new[] { service.FirstSegment, service.LastSegment })
        {
            var path = Path.Combine(_directory.New("wal"), segment);
            (await service.Host.RunAsync("wal", "get", "main", segment, path)).Must();
            (await _host.ArchiveAsync("push", "main", path)).Must();
        }
    }

    public Task DisposeAsync()
    {
        _agent?.Dispose();
        _directory.Dispose();
        return Task.CompletedTask;
    }

    public static TheoryData<string, bool> Lies()
    {
        var data = new TheoryData<string, bool>();
        foreach (var lie in new[] { "truncated", "empty", "flipped", "another segment", "gone" })
        {
            data.Add(lie, false);
            data.Add(lie, true);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task The_authentic_copy_wins_and_without_one_the_answer_is_unknown(string lie, bool agent)
    {
        _agent = agent ? await Host.StartAgentAsync() : null;
        var expected = await File.ReadAllBytesAsync(Path.Combine(_directory["wal"], service.FirstSegment));

        Tell(lie, Host.Repository);
        (await GetAsync()).Must();
        Assert.Equal(expected, await File.ReadAllBytesAsync(_directory["got"]));
        File.Delete(_directory["got"]);

        // The good copy cannot be asked for.
        Directory.Move(Second, _directory["away"]);
        (await GetAsync()).Must(126).MustSay("second");
        (await GetAsync("--standby")).Must(1).MustSay("second");
        Directory.Move(_directory["away"], Second);

        // There is none.
        Tell(lie, Second);
        (await GetAsync()).Must(lie == "gone" ? 1 : 126);
        (await GetAsync("--standby")).Must(1);
        Assert.Empty(Directory.EnumerateFiles(_directory.Path, "got*"));
    }

    Task<ProgramRun> GetAsync(params string[] more) => Host.ArchiveAsync(["get", "main", service.FirstSegment, _directory["got"], .. more]);

    void Tell(string lie, string repository)
    {
        var path = Host.WalPath(service.FirstSegment).Replace(Host.Repository, repository, StringComparison.Ordinal);
        var content = File.ReadAllBytes(path);
        File.Delete(path);
        switch (lie)
        {
            case "truncated":
                File.WriteAllBytes(path, content[..(content.Length / 2)]);
                break;
            case "empty":
                File.WriteAllBytes(path, []);
                break;
            case "flipped":
                content[content.Length / 2] ^= 1;
                File.WriteAllBytes(path, content);
                break;
            case "another segment":
                File.Copy(Host.WalPath(service.LastSegment), path);
                break;
        }
    }
}
