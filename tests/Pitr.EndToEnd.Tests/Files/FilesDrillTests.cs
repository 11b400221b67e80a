using System.Text.Json;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Files;

/// <summary>`pitr drill` of a service of kind files.</summary>
public sealed class FilesDrillTests
{
    const string Objectives = "objectives: { rpo: 1d, rto: 1h }\n";

    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task A_drill_restores_reads_back_checks_and_leaves_nothing()
    {
        using var host = await CreateAsync(Objectives + """
            drill:
              checks:
                hosts: { path: tree/hosts }
                uploads: { path: "*.jpg", min-files: 2, max-age: 1d }
                syntax: { run: 'sh -n "$(find "$DRILL_ROOT" -name script)"' }
                greeting: { run: [find, ., -name, hosts, -size, +0], expect: rows = 1 }
                secrets: { run: env, expect: "!= x" }
            """);
        // Secrets of the configuration are not for commands whose output stands in a report.
        host.Host.Environment["PITR_PASSPHRASE"] = "hunter2";
        host.Write("hosts", "127.0.0.1 localhost");
        host.Write("script", "echo hello\n");
        host.Write("pictures/a.jpg", new string('a', 2_000_000));
        host.Write("pictures/b.jpg", "b");
        (await ProgramRun.RunAsync("/usr/bin/python3", ["-c", "import os, sys; os.chdir(sys.argv[1]); open(b'caf\\xe9\\n', 'w').close(); os.mkdir(b'clo\\xffsed'); open(b'clo\\xffsed/x', 'w').close(); os.chmod(b'clo\\xffsed', 0o555)", host.Tree])).Must();
        var page = host.Directory["drill.html"];
        var id = (await host.BackupAsync()).GetProperty("id").GetString();

        var run = (await host.RunAsync("drill", FilesHost.Service, "--report", page)).Must().MustShow("PASSED", $"recovered to latest from backup {id}", "request to all files restored", "run syntax: ended with 0");
        RequireNothingLeft(host);
        Assert.Contains("Tree</th><td>6 files with", File.ReadAllText(page), StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", run.ToString() + File.ReadAllText(page), StringComparison.Ordinal);
        var report = await DrillAsync(host, 0);
        Assert.Equal(["plan", "restore", "check"], Names(report.GetProperty("phases")));
        Assert.Equal(6, report.GetProperty("tree").GetProperty("files-before").GetInt32());
        Assert.Equal("files", report.GetProperty("kind").GetString());
        Assert.Equal(["backup is complete", "tree", "names and rights", "content", "path hosts", "path uploads", "run syntax", "run greeting", "run secrets"], Names(report.GetProperty("checks")));
        (await host.RunAsync("drill", "report", FilesHost.Service)).Must().MustShow("passed", report.GetProperty("id").GetString()!);
        (await host.RunAsync("audit", FilesHost.Service, "--output", "json")).Must().MustShow("\"verdict\": \"passed\"");

        var part = await DrillAsync(host, 0, "--backup", id!, "--path", "pictures", "--repository", "second");
        Assert.Equal((2, $"{id}, only pictures"), (part.GetProperty("tree").GetProperty("files").GetInt32(), part.GetProperty("target").GetString()));
        Assert.Contains("5 checks of the configuration were left out", part.GetProperty("warnings").ToString(), StringComparison.Ordinal);
        (await host.RunAsync("drill", FilesHost.Service, "--keep")).Must(1).MustSay("add --scratch DIR");
        (await host.RunAsync("drill", FilesHost.Service, "--target", "random")).Must(1).MustSay("--target is not for services of kind files");
        (await host.RunAsync("drill", FilesHost.Service, "--path", "[a")).Must(1).MustSay("has a [ without its ]");
        (await host.RunAsync("drill", FilesHost.Service, "--keep", "--scratch", host.Directory.New("look"))).Must().MustSay("the restored tree is in ");
        Assert.True(File.Exists(Assert.Single(Directory.GetDirectories(host.Directory["look"])) + "/data" + host.Tree + "/hosts"));
    }

    [Fact]
    public async Task What_does_not_hold_is_said_and_ends_with_9()
    {
        using var host = await CreateAsync("""
            objectives: { rpo: 1d, rto: 1h }
            drill:
              check-timeout: 4s
              checks:
                gone: { path: /etc/nginx/nginx.conf }
                broken: { run: "echo unexpected end of file >&2; exit 1" }
                slow: { run: [sh, -c, "sleep 600; sleep 600"] }
                fine: { path: hosts }
            """);
        host.Write("hosts", "127.0.0.1 localhost");
        host.Write("secret", "secret");
        File.SetUnixFileMode(Path.Combine(host.Tree, "secret"), UnixFileMode.None);
        await host.BackupAsync(9);

        var failures = Failures(await DrillAsync(host, 9));
        Assert.Equal(4, failures.Length);
        Assert.StartsWith($"backup is complete: 1 files or directories could not be read when it was taken (NOT STORED): {host.Tree}/secret: ", failures[0], StringComparison.Ordinal);
        Assert.StartsWith("path gone: nothing in the backup matches it", failures[1], StringComparison.Ordinal);
        Assert.Equal("run broken: ended with 1: unexpected end of file", failures[2]);
        Assert.Equal("run slow: not done within 4s (drill.check-timeout)", failures[3]);
        Assert.Empty(Processes.Find("sleep 600; sleep 600"));

        host.Configure("objectives: { rpo: 1s, rto: 1h }\ndrill: { checks: { slow: { run: \"true\" } } }");
        File.SetUnixFileMode(Path.Combine(host.Tree, "secret"), UnixFileMode.UserRead);
        host.Write("large", new string('a', 100));
        await host.BackupAsync();
        await Task.Delay(TimeSpan.FromSeconds(1.1));
        Assert.Matches("^RPO .* s misses the objective of 1 s$", Assert.Single(Failures(await DrillAsync(host, 9))));
        // An RTO that nothing could meet on a link like this.
        host.Configure("objectives: { rpo: 1d, rto: 1s }");
        host.Write("noise", string.Concat(Enumerable.Range(0, 200_000).Select(_ => Random.Shared.Next().ToString("x8", System.Globalization.CultureInfo.InvariantCulture))));
        await host.BackupAsync();
        File.WriteAllText(host.Host.ConfigurationFile, File.ReadAllText(host.Host.ConfigurationFile).Replace("retry: { deadline: 1s }", "retry: { deadline: 1s }, download-limit: 200kB/s", StringComparison.Ordinal));
        var late = await DrillAsync(host, 9);
        Assert.Matches("^RTO .* s misses the objective of 1 s$", Assert.Single(Failures(late)));
        Assert.Equal("failed", late.GetProperty("verdict").GetString());
    }

    [Fact]
    public async Task A_damaged_pack_in_every_repository_fails_the_drill_and_in_one_does_not()
    {
        using var host = await CreateAsync(Objectives);
        host.Write("hosts", "127.0.0.1 localhost");
        await host.BackupAsync();
        Damage(host.Host.Repository);
        await DrillAsync(host, 0);
        Damage(host.Second);

        var failed = await DrillAsync(host, 9);

        Assert.Contains("packs/", Assert.Single(Failures(failed)), StringComparison.Ordinal);
        Assert.Contains("damaged", Failures(failed)[0], StringComparison.Ordinal);
        Assert.Equal(["plan"], Names(failed.GetProperty("phases")));
        (await host.RunAsync("drill", "report", FilesHost.Service, "latest")).Must().MustShow("FAILED");

        static void Damage(string repository)
        {
            foreach (var pack in Directory.GetFiles(Path.Combine(repository, "services", FilesHost.Service, "packs"), "*", SearchOption.AllDirectories))
            {
                var bytes = File.ReadAllBytes(pack);
                bytes[^20] ^= 1;
                File.WriteAllBytes(pack, bytes);
            }
        }
    }

    [Fact]
    public async Task An_empty_backup_and_one_that_is_not_there_fail_the_drill()
    {
        using var host = await CreateAsync(Objectives);
        Assert.Contains("there is no backup of service etc yet", Assert.Single(Failures(await DrillAsync(host, 9))), StringComparison.Ordinal);
        await host.BackupAsync();
        Assert.Contains("tree: the backup is empty", Assert.Single(Failures(await DrillAsync(host, 9))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task What_a_killed_drill_left_goes_with_the_next_and_what_an_interrupted_one_had_at_once(bool isKilledInRestore, bool isInterrupted)
    {
        using var host = await CreateAsync(Objectives + "drill: { checks: { long: { run: 'touch reached; setsid sleep 765; true' } } }");
        host.Write("hosts", "127.0.0.1 localhost");
        host.Write("noise", string.Concat(Enumerable.Range(0, 200_000).Select(_ => Random.Shared.Next().ToString("x8", System.Globalization.CultureInfo.InvariantCulture))));
        await host.BackupAsync();
        var configuration = File.ReadAllText(host.Host.ConfigurationFile);
        if (isKilledInRestore)
        {
            File.WriteAllText(host.Host.ConfigurationFile, configuration.Replace("retry: { deadline: 1s }", "retry: { deadline: 1s }, download-limit: 100kB/s", StringComparison.Ordinal));
        }

        var elsewhere = host.Directory.New("elsewhere");
        using (var drill = host.Host.Start("drill", FilesHost.Service, "--scratch", elsewhere))
        {
            await Eventually.IsTrueAsync(
                () => drill.HasExited || (isKilledInRestore ? Directory.EnumerateFiles(elsewhere, "hosts", SearchOption.AllDirectories).Any() || Directory.Exists(Path.Combine(Scratch(elsewhere), "data")) : Running(elsewhere).Count > 0),
                () => "the drill is under way");
            Assert.False(drill.HasExited);
            if (isInterrupted)
            {
                await drill.TerminateAsync();
                (await drill.EndAsync(Patience)).Must(130);
            }
            else
            {
                await drill.KillAsync();
            }
        }

        Assert.Equal(isInterrupted, Directory.GetDirectories(elsewhere).Length == 0);
        Assert.Equal(!isInterrupted && !isKilledInRestore, Running(elsewhere).Count > 0);
        host.Configure(Objectives);
        var next = (await host.RunAsync("drill", FilesHost.Service)).Must();
        if (!isInterrupted)
        {
            next.MustSay("cleared away what a killed drill of service etc had left: " + elsewhere);
        }

        Assert.Empty(Directory.GetDirectories(elsewhere));
        Assert.Empty(Running(elsewhere));
        RequireNothingLeft(host);
    }

    static string Scratch(string parent) => Directory.GetDirectories(parent) is [var only] ? only : parent;

    static IReadOnlyList<int> Running(string scratch) =>
        [.. Processes.Find("sleep", "765").Where(id => Processes.Read(id, "environ")?.Contains("DRILL_ROOT=" + scratch, StringComparison.Ordinal) == true)];

    static async Task<FilesHost> CreateAsync(string more)
    {
        var host = await FilesHost.CreateAsync(more);
        host.Host.Environment["TMPDIR"] = host.Directory.New("t");
        host.Host.Environment["DOTNET_EnableDiagnostics"] = "0";
        return host;
    }

    static async Task<JsonElement> DrillAsync(FilesHost host, int exitCode, params string[] arguments)
    {
        var run = (await host.RunAsync(["--output", "json", "drill", FilesHost.Service, .. arguments])).Must(exitCode);
        RequireNothingLeft(host);
        return run.Json;
    }

    static void RequireNothingLeft(FilesHost host)
    {
        Assert.False(Directory.Exists(Path.Combine(host.Host.StateDirectory, "services", FilesHost.Service, "drill")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(host.Host.Environment["TMPDIR"]));
    }

    static string[] Names(JsonElement list) => [.. list.EnumerateArray().Select(item => item.GetProperty("name").GetString()!)];

    static string[] Failures(JsonElement report) => [.. report.GetProperty("failures").EnumerateArray().Select(f => f.GetString()!)];
}
