using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Tests.Backup;
using Pitr.Postgres.Recovery;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Restore;

/// <summary>Tablespaces go back to their directories or to others, and nothing is written anywhere else.</summary>
public class TablespaceTests
{
    const string Version = "pg_tblspc/16385/PG_15_202209061";

    [Fact]
    public async Task A_tablespace_goes_back_to_its_directory_and_a_mapped_one_to_another()
    {
        await using var scenario = await Scenario.StartAsync();
        var (plan, files) = await PlanAsync(scenario);
        foreach (var map in new[] { TablespaceMap.Original, TablespaceMap.Parse([$"16385={scenario["other"]}"]), TablespaceMap.Parse([$"{scenario["fast"]}/={scenario["third"]}"]) })
        {
            var directory = scenario[$"data-{Guid.NewGuid():N}"];
            using var prepared = await PrepareAsync(scenario, plan, directory, map);
            var target = Assert.Single(prepared.Tablespaces).Target;

            await new ClusterRestore(scenario.Service).RunAsync(prepared, null, default);

            var link = new DirectoryInfo(Path.Combine(directory, "pg_tblspc/16385"));
            Assert.Equal(target, link.LinkTarget);
            Assert.Equal(files[Version + "/5/1234"], File.ReadAllBytes(Path.Combine(target, "PG_15_202209061/5/1234")));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(target));
            Assert.Equal(["PG_15_202209061"], Directory.EnumerateFileSystemEntries(target).Select(Path.GetFileName));
            Assert.False(File.Exists(Path.Combine(directory, "tablespace_map")));
        }
    }

    [Theory]
    [InlineData("16387=/x", "names no tablespace")]
    [InlineData("/elsewhere=/x", "names no tablespace")]
    [InlineData("16385={data}", "which is the data directory")]
    [InlineData("16385={data}/pg_tblspc/in", "lies in the data directory")]
    [InlineData("16385={root}", "lies around the data directory")]
    [InlineData("16385=/", "lies around the data directory")]
    [InlineData("16385={second}", "which is the directory of tablespace")]
    [InlineData("16385={second}/below", "lies around the directory of tablespace")]
    [InlineData("16385={link}/pg_tblspc", "lies in the data directory")]
    [InlineData("16385={full}", "is not empty")]
    [InlineData("16385={file}", "is a file")]
    public async Task What_cannot_be_is_refused_before_the_first_byte(string map, string says)
    {
        await using var scenario = await Scenario.StartAsync();
        var (plan, _) = await PlanAsync(scenario, second: true);
        Directory.CreateDirectory(scenario["full/something"]);
        File.WriteAllText(scenario["file"], "precious");
        File.CreateSymbolicLink(scenario["link"], scenario["data"]);
        var text = map.Replace("{data}", scenario["data"]).Replace("{root}", scenario.Root).Replace("{second}", scenario["second"])
            .Replace("{link}", scenario["link"]).Replace("{full}", scenario["full"]).Replace("{file}", scenario["file"]);

        var error = await Assert.ThrowsAsync<ImpossiblePlanException>(() => PrepareAsync(scenario, plan, scenario["data"], TablespaceMap.Parse([text])));

        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.True(says.StartsWith("names") || error.Hint!.Contains("--tablespace-map 1638"), error.Hint);
        Assert.False(Directory.Exists(scenario["data"]));
        Assert.False(Directory.Exists(scenario["second"]));
    }

    [Theory]
    [InlineData("16385")]
    [InlineData("16385=relative")]
    [InlineData("=/x")]
    [InlineData("")]
    public void A_map_without_an_absolute_directory_is_refused(string map) => Assert.Throws<RefusedInputException>(() => TablespaceMap.Parse([map]));

    [Fact]
    public void The_same_tablespace_twice_is_refused() => Assert.Throws<RefusedInputException>(() => TablespaceMap.Parse(["1=/a", "1=/b"]));

    [Theory]
    [InlineData("relative/fast")]
    [InlineData("../fast")]
    [InlineData("/srv/../etc")]
    public async Task A_link_that_is_no_plain_absolute_path_is_refused_unless_it_is_mapped(string location)
    {
        await using var scenario = await Scenario.StartAsync();
        var (plan, _) = await PlanAsync(scenario, location: location);

        var error = await Assert.ThrowsAsync<ImpossiblePlanException>(() => PrepareAsync(scenario, plan, scenario["data"], TablespaceMap.Original));

        Assert.Contains(location, error.Message, StringComparison.Ordinal);
        using var mapped = await PrepareAsync(scenario, plan, scenario["data"], TablespaceMap.Parse([$"16385={scenario["fast"]}"]));
    }

    [Fact]
    public async Task Another_link_is_refused()
    {
        await using var scenario = await Scenario.StartAsync();
        var (plan, _) = await PlanAsync(scenario, change: text => text.Replace("pg_tblspc/16385\"", "pg_wal\"").Replace("pg_tblspc/16385/", "pg_wal/"));

        var error = await Assert.ThrowsAsync<ImpossiblePlanException>(() => PrepareAsync(scenario, plan, scenario["data"], TablespaceMap.Original));

        Assert.Contains("pg_wal", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_restore_leaves_marks_and_can_be_repeated_but_not_into_anothers_tablespace()
    {
        await using var scenario = await Scenario.StartAsync();
        var (plan, files) = await PlanAsync(scenario);
        scenario.Store.Inject(StoreFault.CutRead(10).On(k => k.Contains("/packs/", StringComparison.Ordinal)));
        using (var prepared = await PrepareAsync(scenario, plan, scenario["data"], TablespaceMap.Original))
        {
            await Assert.ThrowsAnyAsync<Exception>(() => new ClusterRestore(scenario.Service).RunAsync(prepared, null, default));
        }

        Assert.True(File.Exists(Path.Combine(scenario["fast"], ".pitr-restore-incomplete")));
        await Assert.ThrowsAsync<ImpossiblePlanException>(() => PrepareAsync(scenario, plan, scenario["data2"], TablespaceMap.Original));
        using var again = await PrepareAsync(scenario, plan, scenario["data"], TablespaceMap.Original);
        await new ClusterRestore(scenario.Service).RunAsync(again, null, default);
        Assert.Equal(["PG_15_202209061"], Directory.EnumerateFileSystemEntries(scenario["fast"]).Select(Path.GetFileName));
        Assert.Equal(files[Version + "/5/1234"], File.ReadAllBytes(Path.Combine(scenario["fast"], "PG_15_202209061/5/1234")));
    }

    [Fact]
    public async Task A_restore_that_was_killed_when_only_its_data_directory_was_marked_goes_on()
    {
        await using var scenario = await Scenario.StartAsync();
        var (plan, files) = await PlanAsync(scenario);
        using (var prepared = await PrepareAsync(scenario, plan, scenario["data"], TablespaceMap.Original))
        {
            await new ClusterRestore(scenario.Service).RunAsync(prepared, null, default);
        }

        RestoreMark.Of(plan.Backup, scenario["data"], new HashSet<int>()).WriteTo(scenario["data"]);
        using var again = await PrepareAsync(scenario, plan, scenario["data"], TablespaceMap.Original);
        await new ClusterRestore(scenario.Service).RunAsync(again, null, default);

        Assert.False(RestoreMark.IsIn(scenario["data"]));
        Assert.Equal(files[Version + "/5/1234"], File.ReadAllBytes(scenario["fast/PG_15_202209061/5/1234"]));
    }

    [Fact]
    public async Task A_link_that_somebody_put_in_a_tablespaces_place_is_not_written_through()
    {
        await using var scenario = await Scenario.StartAsync();
        var (plan, files) = await PlanAsync(scenario);
        Directory.CreateDirectory(scenario["outside"]);
        File.WriteAllText(scenario["outside/pg_control"], "precious");
        using (var prepared = await PrepareAsync(scenario, plan, scenario["data"], TablespaceMap.Original))
        {
            await new ClusterRestore(scenario.Service).RunAsync(prepared, null, default);
        }

        // As after a kill, with the links put there since.
        RestoreMark.Of(plan.Backup, scenario["data"], new HashSet<int>()).WriteTo(scenario["data"]);
        RestoreMark.Of(plan.Backup, scenario["data"], new HashSet<int>()).WriteTo(scenario["fast"]);
        Directory.Delete(scenario["fast/PG_15_202209061"], recursive: true);
        File.CreateSymbolicLink(scenario["fast/PG_15_202209061"], scenario["outside"]);
        Directory.Delete(scenario["data/global"], recursive: true);
        File.CreateSymbolicLink(scenario["data/global"], scenario["outside"]);
        using var again = await PrepareAsync(scenario, plan, scenario["data"], TablespaceMap.Original);
        Assert.True(again.KeepsFiles);
        await new ClusterRestore(scenario.Service).RunAsync(again, null, default);

        Assert.Equal("precious", File.ReadAllText(Assert.Single(Directory.EnumerateFileSystemEntries(scenario["outside"]))));
        Assert.Equal(files[Version + "/5/1234"], File.ReadAllBytes(scenario["fast/PG_15_202209061/5/1234"]));
    }

    [Fact]
    public async Task Too_little_space_for_a_tablespace_is_refused()
    {
        await using var scenario = await Scenario.StartAsync();
        var (plan, _) = await PlanAsync(scenario, change: text => text.Replace(
            "{\"type\":\"end\"", "{\"type\":\"file\",\"path\":\"" + Version + "/5/9\",\"mode\":\"600\",\"modified\":\"2026-11-20T17:04:05Z\",\"size\":1152921504606846976,\"runs\":[[1152921504606846976]]}\n{\"type\":\"end\"")
            .Replace("\"entries\":9", "\"entries\":10"));

        var error = await Assert.ThrowsAsync<ImpossiblePlanException>(() => PrepareAsync(scenario, plan, scenario["data"], TablespaceMap.Original));

        Assert.Contains("bytes free", error.Message, StringComparison.Ordinal);
    }

    static Task<PreparedRestore> PrepareAsync(Scenario scenario, RestorePlan plan, string directory, TablespaceMap map) =>
        new ClusterRestore(scenario.Service).PrepareAsync(plan, directory, ClusterRestoreTests.Options with { Tablespaces = map }, default);

    // A backup whose tablespace directories are made links afterwards: tars of pg_basebackup have none.
    static async Task<(RestorePlan Plan, Dictionary<string, byte[]> Files)> PlanAsync(
        Scenario scenario, bool second = false, string? location = null, Func<string, string>? change = null)
    {
        var files = SyntheticBackup.Around(
        [
            SyntheticFile.Directory("pg_tblspc"),
            SyntheticFile.Directory("pg_tblspc/16385"),
            SyntheticFile.Directory(Version),
            SyntheticFile.Directory(Version + "/5"),
            SyntheticFile.File(Version + "/5/1234", SyntheticFile.Noise(9000, 1)),
            .. second ? [SyntheticFile.Directory("pg_tblspc/16386")] : Array.Empty<SyntheticFile>(),
            SyntheticFile.File("tablespace_map", "16385 /nowhere\n"u8.ToArray()),
        ]);
        var plan = await ClusterRestoreTests.PlanAsync(scenario, RecoveryTarget.Latest, files);
        await SyntheticBackup.RewriteManifestAsync(scenario.Service, plan.Backup, text =>
        {
            text = Link(Link(text, "16385", location ?? scenario["fast"]), "16386", scenario["second"]);
            return change is null ? text : change(text);
        });
        return (plan, files.ToDictionary(f => f.Path, f => f.Content));
    }

    static string Link(string manifest, string oid, string location) => System.Text.RegularExpressions.Regex.Replace(
        manifest, $$"""\{"type":"directory","path":"pg_tblspc/{{oid}}",([^}]*)\}""", $$"""{"type":"link","path":"pg_tblspc/{{oid}}",$1,"target":"{{location}}"}""",
        System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(10));
}
