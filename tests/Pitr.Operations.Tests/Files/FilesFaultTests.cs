using Pitr.Format.Catalog;
using Pitr.Operations.Errors;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Files;

/// <summary>Trees that change or cannot be read, manifests that lie, and repositories that fail.</summary>
public sealed class FilesFaultTests
{
    const string Status = "\"status\":[0,0,0,0,1,0,0,0,0]";

    static string Line(string type, string path, string more = "") => $$"""{"type":"{{type}}","path":{{System.Text.Json.JsonSerializer.Serialize(path)}},"mode":"755","modified":"2026-01-01T00:00:00Z",{{Status}}{{more}}}""";

    static string FileLine(string path) => Line("file", path, ",\"size\":4,\"runs\":[[4]]");

    public static TheoryData<string[]> Lies => new(
        [FileLine("../../etc/passwd")],
        [FileLine("/etc/passwd")],
        [Line("directory", "a"), FileLine("a/../../b")],
        [Line("directory", "\\x2e\\x2e"), FileLine("\\x2e\\x2e/b")],
        [FileLine("\\x2e\\x2e\\x2fb")],
        [FileLine("a\\x00b")],
        [Line("link", "a", ",\"target\":\"OUTSIDE\""), FileLine("a/b")],
        [Line("directory", "a"), Line("directory", "a")],
        [Line("directory", "a"), Line("link", "a", ",\"target\":\"OUTSIDE\""), FileLine("a/b")],
        [Line("hard-link", "a", ",\"target\":\"../victim\"")],
        [FileLine("a"), FileLine("a")]);

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task Nothing_is_written_outside_of_the_directory_whatever_the_manifest_says(string[] lines)
    {
        await using var scenario = await FilesScenario.StartAsync();
        Directory.CreateDirectory(scenario["outside"]);
        File.WriteAllText(scenario["victim"], "victim");
        var backup = await scenario.ForgeAsync([.. lines.Select(line => line.Replace("OUTSIDE", scenario["outside"], StringComparison.Ordinal))]);
        var before = Listing(scenario);

        await Assert.ThrowsAnyAsync<Exception>(() => scenario.RestoreAsync(backup, scenario["to/inner"]));

        Assert.Equal(before, Listing(scenario));
        Assert.Equal("victim", File.ReadAllText(scenario["victim"]));
        Assert.Equal("1\n", FilesScenario.Run("/usr/bin/stat", "-c", "%h", scenario["victim"]));
        Assert.Empty(Directory.Exists(scenario["to"]) ? Directory.EnumerateFiles(scenario["to"], ".pitr-*", SearchOption.AllDirectories) : []);
    }

    // All but what a restore may write to.
    static List<string> Listing(FilesScenario scenario) =>
        [.. new[] { "outside", "victim", "tree" }.SelectMany(name => FilesScenario.Run("/usr/bin/find", scenario[name], "-printf", "%p %i %s %T@\n").Split('\n')).Order(StringComparer.Ordinal)];

    [Fact]
    public async Task A_manifest_that_does_not_lie_is_restored()
    {
        await using var scenario = await FilesScenario.StartAsync();
        var backup = await scenario.ForgeAsync(Line("directory", "a"), FileLine("a/b"), Line("hard-link", "c", ",\"target\":\"a/b\""));

        await scenario.RestoreAsync(backup, scenario["to"]);

        Assert.Equal(new byte[4], File.ReadAllBytes(scenario["to/c"]));
    }

    [Fact]
    public async Task What_cannot_be_read_is_named_and_makes_the_backup_incomplete()
    {
        await using var scenario = await FilesScenario.StartAsync();
        File.WriteAllText(Path.Combine(scenario.Tree, "fine"), "fine");
        var deep = scenario.Tree;
        // Too long for a manifest, whoever reads it.
        for (var i = 0; i < 20; i++)
        {
            deep = Path.Combine(deep, new string('d', 250));
            FilesScenario.Python("import os, sys\nparts = sys.argv[1].split('/')[1:]\nos.chdir('/')\nfor p in parts:\n    os.path.isdir(p) or os.mkdir(p)\n    os.chdir(p)", deep);
        }

        var backup = await scenario.BackupAsync();

        Assert.Equal(1, backup.Tree!.Unreadable);
        Assert.False(backup.IsSound());
        Assert.Contains("longer than", Assert.Single(backup.Tree.Problems).Reason, StringComparison.Ordinal);
        await scenario.RestoreAsync(backup, scenario["to"]);
        Assert.Equal("fine", File.ReadAllText(scenario.Restored(scenario["to"], "fine")));
        FilesScenario.Run("/bin/rm", "-rf", scenario.Tree);
    }

    [Fact]
    public async Task A_file_that_changes_all_the_time_is_stored_as_it_was_read_and_named()
    {
        await using var scenario = await FilesScenario.StartAsync();
        var path = Path.Combine(scenario.Tree, "log");
        File.WriteAllBytes(path, new byte[64 << 20]);
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(() =>
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            for (byte i = 1; !stop.IsCancellationRequested; i++)
            {
                file.Position = (i & 15) << 20;
                file.WriteByte(i);
                file.Flush();
            }
        });
        BackupDocument backup;
        try
        {
            backup = await scenario.BackupAsync();
        }
        finally
        {
            await stop.CancelAsync();
            await writing;
        }

        Assert.Equal((1, 0), (backup.Tree!.Changed, backup.Tree.Unreadable));
        Assert.True(backup.IsSound());
        Assert.Equal("changed", Assert.Single(backup.Tree.Problems).What);
        await scenario.RestoreAsync(backup, scenario["to"]);
        Assert.Equal(64 << 20, new FileInfo(scenario.Restored(scenario["to"], "log")).Length);
        Assert.Equal(0, (await scenario.BackupAsync()).Tree!.Unchanged);
    }

    [Fact]
    public async Task A_root_that_is_not_there_or_behind_a_link_stores_nothing()
    {
        await using var scenario = await FilesScenario.StartAsync();
        File.CreateSymbolicLink(scenario["link"], scenario.Tree);
        foreach (var root in new[] { scenario["none"], scenario["link"], scenario["link/below"] })
        {
            Directory.CreateDirectory(Path.Combine(scenario.Tree, "below"));
            await Assert.ThrowsAsync<ImpossiblePlanException>(() => scenario.BackupAsync(settings => settings with { Paths = [root] }));
        }

        Assert.False(Directory.Exists(scenario["r1/services/etc/backups"]));
    }

    [Fact]
    public async Task A_backup_that_fails_is_none_and_the_next_one_is_whole()
    {
        await using var scenario = await FilesScenario.StartAsync();
        File.WriteAllText(Path.Combine(scenario.Tree, "a"), "a");
        var first = await scenario.BackupAsync();
        File.WriteAllText(Path.Combine(scenario.Tree, "b"), "b");
        scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Put).On(key => key.Contains("/packs/", StringComparison.Ordinal)).Repeated(100));
        await Assert.ThrowsAnyAsync<StorageException>(() => scenario.BackupAsync());
        scenario.Store.Heal();

        var second = await scenario.BackupAsync();

        Assert.Equal((first.Id, 1), (second.Base, second.Tree!.Unchanged));
        await scenario.RestoreAsync(second, scenario["to"]);
        Assert.Equal("b", File.ReadAllText(scenario.Restored(scenario["to"], "b")));
    }

    [Fact]
    public async Task A_damaged_pack_ends_the_restore_and_leaves_nothing_half()
    {
        await using var scenario = await FilesScenario.StartAsync();
        File.WriteAllText(Path.Combine(scenario.Tree, "a"), "content");
        var backup = await scenario.BackupAsync();
        var pack = scenario["r1/" + backup.Packs[0].Key];
        File.SetUnixFileMode(pack, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var bytes = File.ReadAllBytes(pack);
        bytes[^3] ^= 1;
        File.WriteAllBytes(pack, bytes);

        await Assert.ThrowsAsync<DamagedRepositoryException>(() => scenario.RestoreAsync(backup, scenario["to"]));

        Assert.Empty(Directory.EnumerateFiles(scenario["to"], "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None }));
    }
}
