using System.Globalization;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Tests.Backup;
using Pitr.Postgres.Recovery;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Restore;

/// <summary>Restoring over a cluster: only over the same one, stopped; afterwards the directory is as a new one would be.</summary>
public class ExistingClusterTests
{
    const int Page = 8192;

    public static TheoryData<RestoreMode> Modes => [RestoreMode.Delta, RestoreMode.Overwrite];

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task What_was_changed_added_or_removed_is_as_in_the_backup_again(RestoreMode mode)
    {
        await using var scenario = await Scenario.StartAsync();
        var (plan, files) = await RestoreNewAsync(scenario);
        var data = scenario["data"];
        Change(data);
        var snapshot = scenario["snapshot"];
        Hardlink(Path.Combine(data, "base/5/4"), snapshot);
        var linked = File.ReadAllBytes(snapshot);

        var kept = await RestoreAsync(scenario, plan, mode);

        RequireSame(data, files);
        // Of 3 files of 40 pages each one page was changed; a file with a second name is not written into.
        Assert.InRange(kept, mode == RestoreMode.Delta ? 160 * Page : 0, mode == RestoreMode.Delta ? 240 * Page : 0);
        Assert.Equal(linked, File.ReadAllBytes(snapshot));
        Assert.Equal("precious", File.ReadAllText(scenario["outside/file"]));

        void Change(string directory)
        {
            using (var file = File.OpenWrite(Path.Combine(directory, "base/5/1")))
            {
                file.Position = 7 * Page;
                file.Write(new byte[100]);
            }

            File.AppendAllText(Path.Combine(directory, "base/5/2"), "longer");
            using (var file = File.OpenWrite(Path.Combine(directory, "base/5/3")))
            {
                file.SetLength(5000);
            }

            using (var file = File.OpenWrite(Path.Combine(directory, "base/5/zeros")))
            {
                file.Position = 3 * Page;
                file.Write("bytes of a row that were deleted"u8);
            }

            File.WriteAllText(Path.Combine(directory, "base/5/empty"), "not empty");
            File.Delete(Path.Combine(directory, "base/5/small"));
            Directory.CreateDirectory(Path.Combine(directory, "base/77"));
            File.WriteAllText(Path.Combine(directory, "base/77/1"), "a database made later");
            File.WriteAllText(Path.Combine(directory, "standby.signal"), "");
            File.WriteAllText(Path.Combine(directory, "postmaster.pid"), "999999999\n");
            Directory.CreateDirectory(scenario["outside"]);
            File.WriteAllText(scenario["outside/file"], "precious");
            File.Delete(Path.Combine(directory, "base/5/link"));
            File.CreateSymbolicLink(Path.Combine(directory, "base/5/link"), scenario["outside/file"]);
            File.CreateSymbolicLink(Path.Combine(directory, "base/5/other"), scenario["outside"]);
            File.SetUnixFileMode(Path.Combine(directory, "base/5/1"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        }
    }

    [Fact]
    public async Task An_interrupted_delta_is_no_cluster_and_is_repeated()
    {
        await using var scenario = await Scenario.StartAsync();
        var (plan, files) = await RestoreNewAsync(scenario);
        scenario.Store.Inject(StoreFault.CutRead(10).On(k => k.Contains("/packs/", StringComparison.Ordinal)));
        await Assert.ThrowsAnyAsync<Exception>(() => RestoreAsync(scenario, plan, RestoreMode.Delta));
        Assert.True(RestoreMark.IsIn(scenario["data"]));
        Assert.False(File.Exists(Path.Combine(scenario["data"], "global/pg_control")));

        // Without pg_control it can still be told which cluster's it was.
        var other = plan with { Backup = plan.Backup with { SystemIdentifier = "12345" } };
        var refused = await Assert.ThrowsAsync<ImpossiblePlanException>(() => RestoreAsync(scenario, other, RestoreMode.Delta));
        Assert.Contains("12345", refused.Message, StringComparison.Ordinal);

        Assert.True(await RestoreAsync(scenario, plan, RestoreMode.Delta) > 0);
        RequireSame(scenario["data"], files);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task Only_a_stopped_data_directory_of_the_same_cluster_is_touched(RestoreMode mode)
    {
        await using var scenario = await Scenario.StartAsync();
        var (plan, files) = await RestoreNewAsync(scenario);
        var other = plan with { Backup = plan.Backup with { SystemIdentifier = "12345" } };
        await RefusedAsync(other, scenario["data"], "12345");

        Directory.CreateDirectory(scenario["home/documents"]);
        await RefusedAsync(plan, scenario["home"], "not a data directory");
        File.WriteAllText(scenario["home/PG_VERSION"], "15");
        await RefusedAsync(plan, scenario["home"], "not a data directory");
        File.WriteAllText(scenario["file"], "");
        await RefusedAsync(plan, scenario["file"], "is a file");

        var pid = scenario["data/postmaster.pid"];
        // This process does not work in that directory; the one that it starts does.
        using (var server = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("sleep", "600") { WorkingDirectory = scenario["data"] })!)
        {
            File.WriteAllText(pid, server.Id.ToString(CultureInfo.InvariantCulture) + "\n" + scenario["data"] + "\n");
            await RefusedAsync(plan, scenario["data"], "server runs");
            server.Kill();
            await server.WaitForExitAsync();
        }

        File.WriteAllText(pid, "");
        await RefusedAsync(plan, scenario["data"], "server runs");
        File.Delete(pid);
        File.CreateSymbolicLink(scenario["data/pg_wal"], scenario["home"]);
        await RefusedAsync(plan, scenario["data"], "pg_wal is a link");
        File.Delete(scenario["data/pg_wal"]);
        RequireSame(scenario["data"], files);

        async Task RefusedAsync(RestorePlan refused, string directory, string says)
        {
            var error = await Assert.ThrowsAsync<ImpossiblePlanException>(() => RestoreAsync(scenario, refused, mode, directory));
            Assert.Contains(says, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Wal_that_was_never_archived_is_not_removed()
    {
        await using var scenario = await Scenario.StartAsync();
        var (plan, files) = await RestoreNewAsync(scenario);
        const string Name = "000000010000000000000003";
        var states = Directory.CreateDirectory(scenario["data/pg_wal/archive_status"]).FullName;
        File.WriteAllBytes(scenario["data/pg_wal/" + Name], WalSample.Segment(Name, size: 16 << 20));
        File.WriteAllText(Path.Combine(states, Name + ".ready"), "");

        var error = await Assert.ThrowsAsync<ImpossiblePlanException>(() => RestoreAsync(scenario, plan, RestoreMode.Overwrite));

        Assert.Contains(Name, error.Message, StringComparison.Ordinal);
        await scenario.Push.PushAsync(scenario["data/pg_wal/" + Name], default);
        await RestoreAsync(scenario, plan, RestoreMode.Overwrite);
        RequireSame(scenario["data"], files);
    }

    [Fact]
    public async Task A_new_restore_names_the_options_for_a_directory_that_holds_a_cluster()
    {
        await using var scenario = await Scenario.StartAsync();
        var (plan, _) = await RestoreNewAsync(scenario);

        var error = await Assert.ThrowsAsync<ImpossiblePlanException>(() => RestoreAsync(scenario, plan, RestoreMode.New));

        Assert.Contains("--delta", error.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_directory_that_is_missing_or_empty_is_filled(RestoreMode mode)
    {
        await using var scenario = await Scenario.StartAsync();
        var files = Files();
        var plan = await ClusterRestoreTests.PlanAsync(scenario, RecoveryTarget.Latest, files);

        await RestoreAsync(scenario, plan, mode);

        RequireSame(scenario["data"], files);
    }

    internal static SyntheticFile[] Files() => SyntheticBackup.Around(
    [
        SyntheticFile.File("PG_VERSION", "15\n"u8.ToArray()),
        SyntheticFile.Directory("base"),
        SyntheticFile.Directory("base/5"),
        .. Enumerable.Range(1, 4).Select(n => SyntheticFile.File($"base/5/{n}", SyntheticFile.Noise(40 * Page, n))),
        SyntheticFile.File("base/5/zeros", [.. SyntheticFile.Noise(Page, 9), .. new byte[40 * Page], .. SyntheticFile.Noise(Page, 10)]),
        SyntheticFile.File("base/5/empty", []),
        SyntheticFile.File("read-only", SyntheticFile.Noise(90 * Page, 13), UnixFileMode.UserRead),
        SyntheticFile.File("base/5/small", SyntheticFile.Noise(10, 11)),
        SyntheticFile.File("base/5/link", SyntheticFile.Noise(10, 12)),
    ]);

    static async Task<(RestorePlan Plan, SyntheticFile[] Files)> RestoreNewAsync(Scenario scenario)
    {
        var files = Files();
        var plan = await ClusterRestoreTests.PlanAsync(scenario, RecoveryTarget.Latest, files);
        await RestoreAsync(scenario, plan, RestoreMode.New);
        RequireSame(scenario["data"], files);
        return (plan, files);
    }

    static async Task<long> RestoreAsync(Scenario scenario, RestorePlan plan, RestoreMode mode, string? directory = null)
    {
        var restore = new ClusterRestore(scenario.Service);
        using var prepared = await restore.PrepareAsync(plan, directory ?? scenario["data"], ClusterRestoreTests.Options with { Mode = mode }, default);
        return await restore.RunAsync(prepared, null, default);
    }

    internal static void RequireSame(string directory, SyntheticFile[] files)
    {
        Assert.Equal(
            files.Select(f => f.Path).Concat(["recovery.signal", "postgresql.auto.conf"]).Order(StringComparer.Ordinal),
            Directory.EnumerateFileSystemEntries(directory, "*", SearchOption.AllDirectories).Select(p => Path.GetRelativePath(directory, p)).Order(StringComparer.Ordinal));
        foreach (var file in files)
        {
            var path = Path.Combine(directory, file.Path);
            Assert.True(file.Mode == File.GetUnixFileMode(path), $"{file.Path}: {File.GetUnixFileMode(path)}");
            if (file.Kind == System.Formats.Tar.TarEntryType.RegularFile)
            {
                Assert.True(file.Content.AsSpan().SequenceEqual(File.ReadAllBytes(path)), file.Path);
                Assert.Equal(file.Modified.UtcDateTime, File.GetLastWriteTimeUtc(path));
            }
        }
    }

    static void Hardlink(string path, string further)
    {
        using var process = System.Diagnostics.Process.Start("ln", [path, further]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
