using Pitr.Operations.Backup;
using Pitr.Operations.Configuration;
using Pitr.Operations.Drill.Files;
using Pitr.Operations.Errors;
using Pitr.Operations.Files;
using Pitr.Operations.Retention;
using Pitr.Tests;

namespace Pitr.Operations.Tests.Files;

/// <summary>What a backup of trees of files takes, and a restore brings back.</summary>
public sealed class FilesRoundTripTests
{
    [Fact]
    public async Task A_tree_comes_back_as_it_was()
    {
        await using var scenario = await FilesScenario.StartAsync();
        FilesScenario.Python(
            """
            import os, sys
            os.chdir(sys.argv[1])
            os.makedirs('sub/deep/er')
            open('a.txt', 'w').write('hello')
            open(b'caf\xe9\nx\\y', 'w').write('latin')
            open('sub/uml\u00e4ut', 'w').write('u' * 700000)
            open('large', 'wb').write(os.urandom(3 << 20))
            open('sub/empty', 'w').close()
            os.symlink('/etc/passwd', 'sub/link')
            os.symlink(b'\xff\xfe', 'sub/badlink')
            os.symlink('deep', 'sub/tothedirectory')
            os.link('a.txt', 'sub/deep/hard')
            os.link('a.txt', 'zzz')
            os.mkfifo('sub/fifo', 0o640)
            os.setxattr('a.txt', 'user.comment', b'\0\1\xff')
            os.setxattr('sub/deep', 'user.note', b'')
            os.chmod('sub/empty', 0o4711)
            os.chmod('sub/deep', 0o1755)
            os.utime('a.txt', ns=(1, 1234567890123456789))
            os.utime('sub/empty', ns=(1, -1))
            os.utime('sub/link', ns=(1, 987654321987654321), follow_symlinks=False)
            os.chmod('sub/deep/er', 0o500)
            os.utime('sub', ns=(1, 1111111111111111111))
            """, scenario.Tree);
        var before = FilesScenario.Python(TreeFingerprint.Script, scenario.Tree);

        var first = await scenario.BackupAsync();
        var second = await scenario.BackupAsync();
        await scenario.RestoreAsync(first, scenario["first"]);
        var result = await scenario.RestoreAsync(second, scenario["second"]);

        Assert.Equal(before, FilesScenario.Python(TreeFingerprint.Script, scenario.Tree));
        Assert.Equal(before, FilesScenario.Python(TreeFingerprint.Script, scenario.Restored(scenario["first"])));
        Assert.Equal(before, FilesScenario.Python(TreeFingerprint.Script, scenario.Restored(scenario["second"])));
        Assert.Equal((5, 0), (first.Files, first.Tree!.Unchanged));
        Assert.Equal((5, 5), (second.Files, second.Tree!.Unchanged));
        Assert.Equal((3, 2, 1), (result.Links, result.HardLinks, result.Specials));
        Assert.Empty(second.Packs);
        Assert.Equal(first.Id, second.Base);
    }

    [AccessListFact]
    public async Task Access_control_lists_come_back_and_a_drill_looks_at_them()
    {
        await using var scenario = await FilesScenario.StartAsync();
        FilesScenario.Python(
            AccessListFactAttribute.List +
            """
            os.chdir(sys.argv[1])
            os.mkdir('shared')
            os.setxattr('shared', 'system.posix_acl_default', entries(7, 5, 5, 7, 0))
            os.setxattr('shared', 'system.posix_acl_access', entries(7, 7, 5, 7, 0))
            open('shared/inherits', 'w').write('x')
            open('a', 'w').write('a')
            os.chmod('a', 0o640)
            os.setxattr('a', 'system.posix_acl_access', entries(6, 4, 0, 4, 0))
            """, scenario.Tree);
        var before = FilesScenario.Python(TreeFingerprint.Script, scenario.Tree);
        Assert.Equal(4, before.Split("system.posix_acl").Length - 1);

        var backup = await scenario.BackupAsync();
        var restored = await scenario.RestoreAsync(backup, scenario["to"]);

        Assert.Equal(before, FilesScenario.Python(TreeFingerprint.Script, scenario.Restored(scenario["to"])));
        Assert.Equal(0, restored.AttributesLeftOut);
        var drill = await new FilesDrillRun(scenario.Open(s => s with { Objectives = new ObjectiveSettings(TimeSpan.FromDays(1), TimeSpan.FromHours(1)) })).RunAsync(new FilesDrillRequest(null, []), null, default);
        Assert.Empty(drill.Failures);
    }

    [Fact]
    public async Task Holes_are_neither_read_nor_written()
    {
        await using var scenario = await FilesScenario.StartAsync();
        FilesScenario.Python(
            """
            import os, sys
            os.chdir(sys.argv[1])
            with open('end', 'wb') as f: f.seek(1 << 38); f.write(b'end')
            with open('begin', 'wb') as f: f.write(b'begin'); f.truncate(1 << 36)
            with open('middle', 'wb') as f: f.seek(1 << 30); f.write(b'x' * 70000); f.truncate(1 << 31)
            with open('none', 'wb') as f: f.truncate(12345)
            """, scenario.Tree);

        await scenario.RestoreAsync(await scenario.BackupAsync(), scenario["to"]);

        foreach (var (name, size) in new[] { ("end", (1L << 38) + 3), ("begin", 1L << 36), ("middle", 1L << 31), ("none", 12345L) })
        {
            Assert.Equal(size, new FileInfo(scenario.Restored(scenario["to"], name)).Length);
        }

        Assert.True(long.Parse(FilesScenario.Run("/usr/bin/du", "-s", "-B1", scenario.Restored(scenario["to"])).Split('\t')[0]) < 1 << 20);
        using var file = File.OpenRead(scenario.Restored(scenario["to"], "middle"));
        file.Position = (1 << 30) + 69_999;
        Assert.Equal(('x', 0), ((char)file.ReadByte(), file.ReadByte()));
    }

    [Fact]
    public async Task What_changed_is_read_and_what_did_not_is_found_in_the_older_backup()
    {
        await using var scenario = await FilesScenario.StartAsync();
        File.WriteAllText(Path.Combine(scenario.Tree, "same"), "same as before, and more than the other");
        File.WriteAllText(Path.Combine(scenario.Tree, "other"), "before");
        var first = await scenario.BackupAsync();
        // As long as it was, and as old as it was: only the time of the change tells.
        var time = File.GetLastWriteTimeUtc(Path.Combine(scenario.Tree, "other"));
        File.WriteAllText(Path.Combine(scenario.Tree, "other"), "behind");
        File.SetLastWriteTimeUtc(Path.Combine(scenario.Tree, "other"), time);

        var second = await scenario.BackupAsync();
        File.WriteAllText(Path.Combine(scenario.Tree, "third"), "third");
        var third = await scenario.BackupAsync();
        await scenario.RestoreAsync(third, scenario["to"]);

        Assert.Equal((1, 1), (first.Packs.Count, second.Tree!.Unchanged));
        Assert.Equal(2, third.Tree!.Unchanged);
        Assert.Equal("behind", File.ReadAllText(scenario.Restored(scenario["to"], "other")));
        Assert.Equal("same as before, and more than the other", File.ReadAllText(scenario.Restored(scenario["to"], "same")));
        Assert.Equal(0, (await scenario.BackupAsync(full: true)).Tree!.Unchanged);
    }

    [Fact]
    public async Task What_has_only_just_changed_is_read_again()
    {
        await using var scenario = await FilesScenario.StartAsync();
        File.WriteAllText(Path.Combine(scenario.Tree, "new"), "new");
        scenario.Clock.Advance(File.GetLastWriteTimeUtc(Path.Combine(scenario.Tree, "new")) - scenario.Clock.GetUtcNow().UtcDateTime - TimeSpan.FromSeconds(2));
        await scenario.BackupAsync();

        Assert.Equal(0, (await scenario.BackupAsync()).Tree!.Unchanged);
    }

    [Fact]
    public async Task Globs_say_what_is_stored()
    {
        await using var scenario = await FilesScenario.StartAsync();
        foreach (var name in new[] { "a.conf", "b.txt", "sub/c.conf", "sub/cache/d.conf", "empty/x.txt", "keep/any/thing" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(scenario.Tree, name))!);
            File.WriteAllText(Path.Combine(scenario.Tree, name), name);
        }

        var backup = await scenario.BackupAsync(settings => settings with { Include = ["*.conf", $"{scenario.Tree}/keep"], Exclude = ["cache/"] });
        await scenario.RestoreAsync(backup, scenario["to"]);

        Assert.Equal(
            ["a.conf", "keep/any/thing", "sub/c.conf"],
            Directory.EnumerateFiles(scenario.Restored(scenario["to"]), "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(scenario.Restored(scenario["to"]), f)).Order(StringComparer.Ordinal));
        Assert.False(Directory.Exists(scenario.Restored(scenario["to"], "empty")));
    }

    [Fact]
    public async Task Parts_are_restored_by_path_and_glob()
    {
        await using var scenario = await FilesScenario.StartAsync();
        Directory.CreateDirectory(Path.Combine(scenario.Tree, "sub"));
        File.WriteAllText(Path.Combine(scenario.Tree, "a"), "content");
        FilesScenario.Run("/bin/ln", Path.Combine(scenario.Tree, "a"), Path.Combine(scenario.Tree, "sub/further"));
        FilesScenario.Run("/bin/ln", Path.Combine(scenario.Tree, "a"), Path.Combine(scenario.Tree, "sub/last"));
        File.WriteAllText(Path.Combine(scenario.Tree, "b.conf"), "b");
        var backup = await scenario.BackupAsync();

        await scenario.RestoreAsync(backup, scenario["sub"], $"{scenario.Tree}/sub");
        await scenario.RestoreAsync(backup, scenario["conf"], "*.conf");

        Assert.Equal("content", File.ReadAllText(scenario.Restored(scenario["sub"], "sub/further")));
        Assert.Equal("2\n", FilesScenario.Run("/usr/bin/stat", "-c", "%h", scenario.Restored(scenario["sub"], "sub/last")));
        Assert.False(File.Exists(scenario.Restored(scenario["sub"], "a")));
        Assert.Equal(["b.conf"], Directory.EnumerateFileSystemEntries(scenario.Restored(scenario["conf"])).Select(Path.GetFileName));
        await Assert.ThrowsAsync<ImpossiblePlanException>(() => scenario.RestoreAsync(backup, scenario["nothing"], "/no/such"));
        await Assert.ThrowsAsync<ImpossiblePlanException>(() => scenario.RestoreAsync(backup, scenario["conf"]));
    }

    [Fact]
    public async Task The_rules_of_retention_remove_backups_and_what_only_they_need()
    {
        await using var scenario = await FilesScenario.StartAsync();
        File.WriteAllText(Path.Combine(scenario.Tree, "constant"), new string('c', 1000));
        var backups = new List<Pitr.Format.Catalog.BackupDocument>();
        for (var day = 0; day < 8; day++)
        {
            File.WriteAllText(Path.Combine(scenario.Tree, "daily"), $"day {day}");
            backups.Add(await scenario.BackupAsync());
            scenario.Clock.Advance(TimeSpan.FromDays(1));
        }

        var service = scenario.Open(settings => settings with { Retention = new(TimeSpan.FromDays(2.5), 0, 0, 0, 0, 1) });
        var report = await new BackupRemoval(service).RunAsync(await RetentionChoice.PrepareAsync(service, default), default);

        // The window ends with the newest backup: three in it, and the newest before it. Five packs: theirs, and the first, which holds what never changed.
        Assert.Equal(backups.Take(4).Select(b => b.Id), report.Backups.Select(b => b.Id.ToString()));
        Assert.Equal(backups.Skip(4).Select(b => b.Id), (await new BackupCatalog(service).ListAsync(default)).Select(b => b.Id));
        Assert.Equal(5, Directory.GetFiles(scenario["r1/services/etc/packs"], "*", SearchOption.AllDirectories).Length);
        foreach (var day in new[] { 4, 5, 6, 7 })
        {
            await scenario.RestoreAsync(backups[day], scenario[$"day{day}"]);
            Assert.Equal($"day {day}", File.ReadAllText(scenario.Restored(scenario[$"day{day}"], "daily")));
            Assert.Equal(1000, new FileInfo(scenario.Restored(scenario[$"day{day}"], "constant")).Length);
        }
    }

    [Fact]
    public async Task In_place_what_is_there_is_kept_aside()
    {
        await using var scenario = await FilesScenario.StartAsync();
        string In(string name) => Path.Combine(scenario.Tree, name);
        foreach (var name in new[] { "same", "changed", "gone", "nowdirectory" })
        {
            File.WriteAllText(In(name), name);
        }

        Directory.CreateDirectory(In("sub"));
        File.WriteAllText(In("sub/file"), "file");
        var backup = await scenario.BackupAsync();
        File.WriteAllText(In("changed"), "newer");
        File.WriteAllText(In("new"), "new");
        File.Delete(In("gone"));
        File.Delete(In("nowdirectory"));
        Directory.CreateDirectory(In("nowdirectory/full"));
        Directory.Delete(In("sub"), recursive: true);
        // Nothing may be written through this.
        Directory.CreateDirectory(scenario["elsewhere"]);
        File.WriteAllText(scenario["elsewhere/file"], "untouched");
        File.CreateSymbolicLink(In("sub"), scenario["elsewhere"]);

        var restored = await scenario.RestoreAsync(backup, null, scenario.Tree);

        foreach (var name in new[] { "same", "changed", "gone", "nowdirectory" })
        {
            Assert.Equal(name, File.ReadAllText(In(name)));
        }

        Assert.Equal("new", File.ReadAllText(In("new")));
        Assert.Equal("newer", File.ReadAllText(In("changed" + restored.AsideSuffix)));
        Assert.True(Directory.Exists(In($"nowdirectory{restored.AsideSuffix}/full")));
        Assert.Equal(scenario["elsewhere"], new FileInfo(In("sub" + restored.AsideSuffix)).LinkTarget);
        Assert.Equal("untouched", File.ReadAllText(scenario["elsewhere/file"]));
        Assert.Null(new FileInfo(In("sub")).LinkTarget);
        Assert.Equal("file", File.ReadAllText(In("sub/file")));
        Assert.Equal((3, 1), (restored.Aside, restored.Unchanged));
        Assert.Empty(Directory.EnumerateFiles(scenario.Tree, ".pitr-*", SearchOption.AllDirectories));
    }
}
