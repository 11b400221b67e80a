using Pitr.Operations.Configuration;
using Pitr.Operations.Drill;
using Pitr.Operations.Drill.Files;
using Pitr.Operations.Errors;
using Pitr.Operations.Tests.Files;

namespace Pitr.Operations.Tests.Drill.Files;

/// <summary>Drills of a service of kind files.</summary>
public sealed class FilesDrillTests
{
    static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Whatever_a_tree_holds_comes_back_and_nothing_is_left()
    {
        await using var scenario = await FilesScenario.StartAsync();
        FilesScenario.Python(
            """
            import os, socket, sys
            os.chdir(sys.argv[1])
            os.makedirs('sub/closed/deep')
            open('a.txt', 'w').write('hello')
            open(b'caf\xe9\nx\\y', 'w').write('latin')
            open('sub/closed/deep/x', 'wb').write(os.urandom(3 << 20))
            open('sub/empty', 'w').close()
            with open('sparse', 'wb') as f:
                f.write(b'begin')
                f.seek(1 << 30)
                f.write(b'end')
                f.truncate((1 << 30) + (1 << 20))
            open('zeros', 'wb').write(bytes(700000))
            os.symlink('/etc/passwd', 'sub/outside')
            os.symlink(b'\xff\xfe', 'sub/badlink')
            os.link('a.txt', 'zzz')
            os.mkfifo('sub/fifo', 0o640)
            socket.socket(socket.AF_UNIX).bind('server')
            os.setxattr('a.txt', 'user.comment', b'\0\1\xff')
            os.chmod('sub/empty', 0o4711)
            os.chmod('sub/closed/deep', 0o555)
            os.chmod('sub/closed', 0o500)
            """, scenario.Tree);
        var backup = await scenario.BackupAsync();

        var report = await new FilesDrillRun(scenario.Open(WithObjectives)).RunAsync(new FilesDrillRequest(null, []), null, default);

        Assert.Empty(report.Failures);
        Assert.Equal(("passed", "files", backup.Id, "latest"), (report.Verdict, report.Kind, report.Backup, report.Target));
        Assert.Equal(["plan", "restore", "check"], report.Phases.Select(phase => phase.Name));
        Assert.Equal(["backup is complete", "tree", "names and rights", "content"], report.Checks.Select(check => check.Name));
        var tree = report.Tree!;
        Assert.Equal((6, 2, 1, 1, null), (tree.Files, tree.Links, tree.HardLinks, tree.Specials, tree.ComparedWith));
        Assert.Equal(backup.DatabaseBytes, tree.Bytes);
        // Holes and long zeros are not written.
        Assert.InRange(report.RestoredBytes, 3 << 20, 4 << 20);
        Assert.Contains("1 sockets were left out: their servers make them", report.Warnings);
        Assert.NotNull(report.RtoSeconds);
        Assert.False(Directory.Exists(scenario["state/services/etc/drill"]));
        Assert.Equal(report.ToJson(), DrillReport.Parse(report.ToJson()).ToJson());

        var again = await new FilesDrillRun(scenario.Open(WithObjectives)).RunAsync(new FilesDrillRequest(null, []), null, default);
        Assert.Equal((report.Id, 6), (again.Tree!.ComparedWith, again.Tree.FilesBefore));
        Assert.Contains("6 files in drill", DrillReportHtml.Render(again), StringComparison.Ordinal);
        // For whoever cleans up.
        FilesScenario.Run("/bin/chmod", "-R", "u+rwx", scenario.Tree);
    }

    [Fact]
    public async Task A_part_is_drilled_and_compared_with_drills_of_the_same_part()
    {
        await using var scenario = await FilesScenario.StartAsync();
        Write(scenario, "nginx/nginx.conf", "x");
        Write(scenario, "nginx/other", "x");
        Write(scenario, "hosts", "x");
        await scenario.BackupAsync();
        await DrillAsync(scenario, []);

        var report = await DrillAsync(scenario, [], "nginx");

        Assert.Empty(report.Failures);
        Assert.Equal(("latest, only nginx", 2, null), (report.Target, report.Tree!.Files, report.Tree.ComparedWith));
        await DrillAsync(scenario, []);
        Assert.Equal(report.Id, (await DrillAsync(scenario, [], "nginx")).Tree!.ComparedWith);
        Assert.Contains("holds nothing of what --path names", Assert.Single((await DrillAsync(scenario, [], "none")).Failures), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_backup_is_no_backup_that_comes_back()
    {
        await using var scenario = await FilesScenario.StartAsync();
        await scenario.BackupAsync();

        var report = await DrillAsync(scenario, []);

        Assert.Contains("the backup is empty", Assert.Single(report.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tree_that_has_lost_most_of_its_files_is_a_warning()
    {
        await using var scenario = await FilesScenario.StartAsync();
        for (var i = 0; i < 10; i++)
        {
            Write(scenario, $"{i}", "x");
        }

        await scenario.BackupAsync();
        var before = await DrillAsync(scenario, []);
        for (var i = 1; i < 10; i++)
        {
            File.Delete(Path.Combine(scenario.Tree, $"{i}"));
        }

        await scenario.BackupAsync();
        var after = await DrillAsync(scenario, []);

        Assert.True(after.Passed);
        Assert.Equal($"1 files, where drill {before.Id} found 10", after.Warnings[^1]);
    }

    [Fact]
    public async Task Paths_of_the_configuration_are_looked_for()
    {
        await using var scenario = await FilesScenario.StartAsync();
        Write(scenario, "uploads/a", "x");
        Write(scenario, "uploads/b", "x");
        Directory.CreateDirectory(Path.Combine(scenario.Tree, "spool"));
        File.SetLastWriteTimeUtc(Path.Combine(scenario.Tree, "uploads/a"), scenario.Clock.GetUtcNow().UtcDateTime.AddDays(-3));
        File.SetLastWriteTimeUtc(Path.Combine(scenario.Tree, "uploads/b"), scenario.Clock.GetUtcNow().UtcDateTime.AddDays(-2));
        await scenario.BackupAsync();

        var report = await DrillAsync(
            scenario,
            [
                new PathCheckSettings("there", scenario.Tree + "/uploads/a", null, null),
                new PathCheckSettings("spool", "spool/", null, null),
                new PathCheckSettings("both", "uploads", 2, TimeSpan.FromDays(2) + TimeSpan.FromMinutes(1)),
                new PathCheckSettings("gone", "/etc/hosts", null, null),
                new PathCheckSettings("few", "uploads", 3, null),
                new PathCheckSettings("old", "uploads", null, TimeSpan.FromDays(1)),
                new PathCheckSettings("spooled", "spool", 1, null),
            ]);

        var checks = report.Checks.Skip(4).ToArray();
        Assert.Equal([true, true, true, false, false, false, false], checks.Select(check => check.Passed));
        Assert.Equal("path there", checks[0].Name);
        Assert.Contains("as expected (at least 2 files, the newest file at most 172860s old)", checks[2].Detail.Replace("2881m", "172860s", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.StartsWith("nothing in the backup matches it, but expected is anything", checks[3].Detail, StringComparison.Ordinal);
        Assert.StartsWith("2 files, the newest of ", checks[4].Detail, StringComparison.Ordinal);
        Assert.Contains("the newest file at most 1d old when the backup began", checks[5].Detail, StringComparison.Ordinal);
        Assert.StartsWith("no files, but directories or links", checks[6].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commands_of_the_configuration_run_in_the_restored_tree()
    {
        await using var scenario = await FilesScenario.StartAsync();
        Write(scenario, "greeting", "hello");
        await scenario.BackupAsync();
        File.WriteAllText(Path.Combine(scenario.Tree, "greeting"), "changed since");
        var inside = scenario.Tree.TrimStart('/');

        var report = await DrillAsync(
            scenario,
            [
                Run("shell", $"cat {inside}/greeting", CheckExpectation.Parse("hello")),
                new RunCheckSettings("words", new CommandText(["/bin/test", "-f", $"{inside}/greeting"], IsShell: false), null),
                Run("variable", "test \"$PWD\" = \"$DRILL_ROOT\" && find \"$DRILL_ROOT\" -type f", CheckExpectation.Parse("rows = 1")),
                Run("fails", "echo this is why >&2; exit 3"),
                Run("says", "echo syntax error; false"),
                Run("other", $"cat {inside}/greeting", CheckExpectation.Parse("hullo")),
                Run("much", "yes | head -c 1000000", CheckExpectation.Parse("y")),
                Run("none", "/no/such/program"),
                Run("left", "(trap '' HUP; sleep 987) >/dev/null 2>&1 & setsid sleep 987 >/dev/null 2>&1 & echo started"),
                Run("escape", "printf 'a\\033[31mb'"),
            ]);

        var checks = report.Checks.Skip(4).ToDictionary(check => check.Name[(check.Name.IndexOf(' ', StringComparison.Ordinal) + 1)..], StringComparer.Ordinal);
        Assert.Equal(["shell", "words", "variable", "left", "escape"], checks.Values.Where(check => check.Passed).Select(check => check.Name["run ".Length..]));
        Assert.Equal("hello, as expected (hello)", checks["shell"].Detail);
        Assert.Equal("1 lines, as expected (rows = 1)", checks["variable"].Detail);
        Assert.Equal("ended with 3: this is why", checks["fails"].Detail);
        Assert.Equal("ended with 1: syntax error", checks["says"].Detail);
        Assert.Equal("hello, but expected is hullo", checks["other"].Detail);
        Assert.Contains("more than 64 KiB", checks["much"].Detail, StringComparison.Ordinal);
        Assert.StartsWith("ended with 127", checks["none"].Detail, StringComparison.Ordinal);
        Assert.Equal("ended with 0: a?[31mb", checks["escape"].Detail);
        Assert.Equal("cat " + inside + "/greeting", checks["shell"].Sql);
        Assert.DoesNotContain("sleep\0987", string.Concat(Directory.GetDirectories("/proc").Where(d => char.IsAsciiDigit(d[^1])).Select(Command)), StringComparison.Ordinal);
        Assert.False(Directory.Exists(scenario["state/services/etc/drill"]));
        Assert.Equal("changed since", File.ReadAllText(Path.Combine(scenario.Tree, "greeting")));
    }

    [Fact]
    public async Task Without_a_backup_there_is_a_report_that_says_so()
    {
        await using var scenario = await FilesScenario.StartAsync();

        Assert.Contains("there is no backup of service etc yet", Assert.Single((await DrillAsync(scenario, [])).Failures), StringComparison.Ordinal);
        await Assert.ThrowsAsync<RefusedInputException>(() => new FilesDrillRun(scenario.Open()) { ScratchDirectory = scenario["none"] }.RunAsync(new FilesDrillRequest(null, []), null, default));
    }

    [Fact]
    public async Task A_tree_that_is_kept_is_left_by_the_next_drill()
    {
        await using var scenario = await FilesScenario.StartAsync();
        Write(scenario, "a", "a");
        await scenario.BackupAsync();
        Directory.CreateDirectory(scenario["look"]);
        var drill = new FilesDrillRun(scenario.Open(WithObjectives)) { ScratchDirectory = scenario["look"], Keep = true };

        await drill.RunAsync(new FilesDrillRequest(null, []), null, default);
        await DrillAsync(scenario, []);

        Assert.Equal("a", File.ReadAllText(scenario.Restored(drill.Kept!, "a")));
        Assert.Equal(["data"], Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(drill.Kept!)!).Select(Path.GetFileName));
    }

    static string Command(string process)
    {
        try
        {
            return File.ReadAllText(process + "/cmdline");
        }
        catch (IOException)
        {
            // Gone meanwhile.
            return "";
        }
    }

    static RunCheckSettings Run(string name, string shell, CheckExpectation? expect = null) => new(name, new CommandText([shell], IsShell: true), expect);

    static FilesServiceSettings WithObjectives(FilesServiceSettings settings) => settings with { Objectives = new ObjectiveSettings(TimeSpan.FromDays(1), TimeSpan.FromHours(1)) };

    static async Task<DrillReport> DrillAsync(FilesScenario scenario, IReadOnlyList<FilesCheckSettings> checks, params string[] paths)
    {
        // Two of one second have no order.
        scenario.Clock.Advance(TimeSpan.FromSeconds(1));
        return await new FilesDrillRun(scenario.Open(settings => WithObjectives(settings) with { Drill = new FilesDrillSettings(Limit, checks) })).RunAsync(new FilesDrillRequest(null, paths), null, default);
    }

    static void Write(FilesScenario scenario, string name, string content)
    {
        var path = Path.Combine(scenario.Tree, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
    }
}
