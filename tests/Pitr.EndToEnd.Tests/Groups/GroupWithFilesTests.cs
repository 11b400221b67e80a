using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Tests;

namespace Pitr.EndToEnd.Tests.Groups;

/// <summary>A group of two trees of files, and applications that are a script: they come back together, or stay what they were.</summary>
public sealed class GroupWithFilesTests : IDisposable
{
    const int Files = 1200;

    readonly TestDirectory _directory = new();
    readonly PitrHost _host;

    public GroupWithFilesTests()
    {
        _host = new PitrHost(_directory.New("host"), _directory.New("repository"));
        File.WriteAllText(_directory["app"], $"""
            #!/bin/sh
            echo "$1" >>{_directory["told"]}
            [ ! -e {_directory["on"]}-$1 ] || sh {_directory["on"]}-$1
            while [ -e {_directory["hang"]}-$1 ]; do sleep 0.1; done
            [ ! -e {_directory["fail"]}-$1 ]

            """);
        File.SetUnixFileMode(_directory["app"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.WriteAllText(
            _host.ConfigurationFile,
            $$"""
            state-directory: {{_host.StateDirectory}}
            agent: { socket: {{_host.Socket}} }
            repositories:
              local: { url: "file://{{_host.Repository}}", retry: { deadline: 1s } }
            encryption:
              recipients: [{{Path.Combine(_host.Directory, "recipient.pem")}}]
              identity: {{_host.IdentityFile}}
            applications:
              stop-command: [{{_directory["app"]}}, stop]
              start-command: [{{_directory["app"]}}, start]
              health-check: [{{_directory["app"]}}, check]
              timeout: 3s
            services:
              uploads: { kind: files, repositories: [local], paths: [{{Tree("uploads")}}], after: [etc] }
              etc: { kind: files, repositories: [local], paths: [{{Tree("etc")}}] }

            """);
    }

    string Journal => Path.Combine(_host.StateDirectory, "groups", "restore.json");

    string Told => File.Exists(_directory["told"]) ? string.Join(' ', File.ReadAllLines(_directory["told"])) : "";

    public void Dispose() => _directory.Dispose();

    string Tree(string name) => _directory["trees/" + name];

    async Task<string> StateAsync() => (await ProgramRun.RunAsync("/usr/bin/python3", ["-c", TreeFingerprint.Script, _directory["trees"]])).Must().Output;

    Task<ProgramRun> RunAsync(params string[] arguments) => _host.RunAsync(arguments);

    // Both are backed up, and then changed in every way.
    async Task<(string BackedUp, string Now)> ChangedAsync()
    {
        foreach (var name in new[] { "etc", "uploads" })
        {
            for (var i = 0; i < Files; i++)
            {
                Directory.CreateDirectory(Path.Combine(Tree(name), $"{i % 10}"));
                File.WriteAllText(Path.Combine(Tree(name), $"{i % 10}/{i}"), $"{name} {i} as backed up");
            }
        }

        var backedUp = await StateAsync();
        (await RunAsync("key", "new", "--identity", _host.IdentityFile, "--recipient", Path.Combine(_host.Directory, "recipient.pem"))).Must();
        (await RunAsync("repo", "init", "local")).Must();
        await Task.Delay(200);
        (await RunAsync("backup", "--all")).Must();
        foreach (var name in new[] { "etc", "uploads" })
        {
            for (var i = 0; i < Files; i += 2)
            {
                File.WriteAllText(Path.Combine(Tree(name), $"{i % 10}/{i}"), $"{name} {i} now");
            }

            Directory.Delete(Path.Combine(Tree(name), "3"), recursive: true);
            File.SetUnixFileMode(Path.Combine(Tree(name), "4"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        return (backedUp, await StateAsync());
    }

    [Fact]
    public async Task It_comes_back_is_undone_comes_back_again_and_what_was_there_is_removed()
    {
        var (backedUp, now) = await ChangedAsync();
        (await RunAsync("restore", "--all", "latest", "--dry-run")).Must().MustShow("etc: bring back what differs: 120 that are not there, and 600 in place of what is there", "480 are as in the backup and are left alone");
        Assert.Equal(now, await StateAsync());

        (await RunAsync("restore", "--all", "latest")).Must().MustShow("restored; what was there before is kept");
        (await RunAsync("restore", "etc", "--in-place")).Must(8).MustSay("of the group still keeps what was there before it");
        File.AppendAllText(Path.Combine(Tree("etc"), "0/0"), ", and more");
        (await RunAsync("restore", "--all", "--roll-back")).Must().MustShow("etc: the files are what they were: 600 are in their places again", "is kept as " + Tree("etc") + "/0/0.undone-");
        var undone = Assert.Single(Directory.GetFiles(_directory["trees"], "*.undone-*", SearchOption.AllDirectories));
        Assert.Equal("etc 0 as backed up, and more", File.ReadAllText(undone));
        File.Delete(undone);
        Directory.SetLastWriteTimeUtc(Path.Combine(Tree("etc"), "0"), DateTime.UnixEpoch);
        Assert.Equal(Without(now, "etc/0'"), Without(await StateAsync(), "etc/0'"));

        (await RunAsync("restore", "--all", "latest")).Must();
        (await RunAsync("restore", "--all", "--confirm")).Must().MustShow("600 names that ended with .before-");
        Assert.Equal(backedUp, await StateAsync());
        Assert.False(File.Exists(Journal));

        static string Without(string state, string line) => string.Join('\n', state.Split('\n').Where(l => !l.Contains(line, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_failing_check_or_a_failing_service_puts_everything_back()
    {
        var (_, now) = await ChangedAsync();
        File.WriteAllText(_directory["fail-check"], "");
        (await RunAsync("restore", "--all", "latest")).Must(10).MustSay("the health check did not pass", "etc: the files are what they were: 600 are in their places again, 121 that had not been there are removed", "uploads: the files are what they were: ");
        Assert.Equal(now, await StateAsync());
        Assert.Equal("stop start check", Told[.."stop start check".Length]);
        Assert.EndsWith("stop start", Told, StringComparison.Ordinal);
        File.Delete(_directory["fail-check"]);

        // After everything was found whole, and before it is fetched.
        File.WriteAllText(_directory["on-stop"], $"rm -r {_host.Repository}/services/uploads/packs");
        (await RunAsync("restore", "--all", "latest")).Must(5).MustSay("restoring service uploads failed: ", "etc: the files are what they were: 600 are", "uploads: the files are what they were");
        Assert.Equal(now, await StateAsync());
        Assert.False(File.Exists(Journal));
        (await RunAsync("restore", "--all", "latest")).Must(5).MustSay("nothing was changed");
        (await RunAsync("restore", "--all", "--target-time", "2001-01-01 00:00:00+00")).Must(8).MustSay("had ended by 2001-01-01");
    }

    [Fact]
    public async Task Killed_at_whichever_step_it_goes_back_and_nothing_is_lost()
    {
        var (_, now) = await ChangedAsync();
        string Own(string name, string end = "") => Path.Combine(_host.StateDirectory, "services", name, $"in-place{end}.journal");
        bool Has(string name, int bytes) => new FileInfo(Own(name)) is { Exists: true } file && file.Length > bytes;
        (string? Hang, Func<bool> When)[] moments =
        [
            ("stop", () => Told.EndsWith("stop", StringComparison.Ordinal)),
            (null, () => Has("etc", 0)),
            (null, () => Has("etc", 30_000)),
            (null, () => Has("etc", 110_000)),
            (null, () => File.Exists(Own("etc", "-kept"))),
            (null, () => Has("uploads", 0)),
            (null, () => Has("uploads", 110_000)),
            (null, () => File.Exists(Own("uploads", "-kept"))),
            ("start", () => Told.EndsWith("start", StringComparison.Ordinal)),
            ("check", () => Told.EndsWith("check", StringComparison.Ordinal)),
        ];
        var states = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (hang, when) in moments)
        {
            File.WriteAllText(_directory["told"], "");
            if (hang is not null)
            {
                File.WriteAllText(_directory["hang-" + hang], "");
            }

            using (var restore = _host.Start("restore", "--all", "latest"))
            {
                while (!restore.HasExited && !when())
                {
                    await Task.Delay(1);
                }

                await restore.KillAsync();
            }

            if (hang is not null)
            {
                File.Delete(_directory["hang-" + hang]);
            }

            var phase = System.Text.Json.JsonDocument.Parse(await File.ReadAllTextAsync(Journal)).RootElement.GetProperty("phase").GetString();
            states.Add($"{phase} {string.Join(' ', new[] { "etc", "uploads" }.Select(name => $"{(new FileInfo(Own(name)) is { Exists: true } file ? file.Length / 50_000 : -1)} {File.Exists(Own(name, "-kept"))}"))}");
            (await RunAsync("restore", "--all", "--roll-back")).Must();
            Assert.Equal(now, await StateAsync());
            Assert.False(File.Exists(Journal) || File.Exists(Own("etc")) || File.Exists(Own("uploads")));
        }

        Assert.True(states.Count > 5, $"killed in {states.Count} different states: {string.Join(", ", states)}");
    }
}
