using Pitr.EndToEnd.Tests.Programs;
using Pitr.Tests;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests.Files;

/// <summary>Restores of files in place and backups of files that end early, through the program: kill -9, a full disk.</summary>
public sealed class FilesInPlaceTests(ITestOutputHelper output)
{
    const int Files = 4000;

    // Enough that a restore can be met in the middle; every kind of change is among them.
    const string Make =
        """
        import os, sys
        os.chdir(sys.argv[1])
        for i in range(int(sys.argv[2])):
            d = f'd{i % 40}/{i % 7}'
            os.makedirs(d, exist_ok=True)
            open(f'{d}/{i}', 'w').write(f'file {i} as backed up\n' * 3)
            if i % 50 == 0:
                os.symlink(f'to-{i}', f'{d}/{i}-link'); os.link(f'{d}/{i}', f'{d}/{i}-again'); os.setxattr(f'{d}/{i}', 'user.n', b'%d' % i)
        """;

    const string Change =
        """
        import os, shutil, sys
        os.chdir(sys.argv[1])
        for i in range(int(sys.argv[2])):
            p = f'd{i % 40}/{i % 7}/{i}'
            if i % 3 == 0: open(p, 'w').write(f'file {i} now')
            elif i % 3 == 1: os.remove(p)
            if i % 50 == 0: os.remove(p + '-link'); os.symlink('elsewhere', p + '-link')
            if i % 400 == 7: open(p + '-later', 'w').write('later')
        shutil.rmtree('d3'); shutil.rmtree('d5/5'); open('d5/5', 'w').write('a file')
        os.chmod('d7', 0o750); os.setxattr('d7', 'user.d', b'7')
        """;

    static async Task<string> FingerprintAsync(string tree) => (await ProgramRun.RunAsync("/usr/bin/python3", ["-c", TreeFingerprint.Script, tree])).Must().Output;

    static async Task PythonAsync(string script, string tree, int files) => (await ProgramRun.RunAsync("/usr/bin/python3", ["-c", script, tree, $"{files}"])).Must();

    static async Task<(FilesHost Host, string Before)> ChangedAsync()
    {
        var host = await FilesHost.CreateAsync();
        await PythonAsync(Make, host.Tree, Files);
        await FilesHost.SettleAsync();
        await host.BackupAsync();
        await PythonAsync(Change, host.Tree, Files);
        return (host, await FingerprintAsync(host.Tree));
    }

    static string Journal(FilesHost host) => Path.Combine(host.Host.StateDirectory, "services", FilesHost.Service, "in-place.journal");

    [Fact]
    public async Task A_killed_restore_in_place_is_undone_and_the_next_one_comes_to_its_end()
    {
        var (host, before) = await ChangedAsync();
        using var _ = host;
        string[] restore = ["restore", FilesHost.Service, "--in-place", "--path", host.Tree];
        var dry = (await host.RunAsync([.. restore, "--dry-run", "-o", "json"])).Must().Json;
        (await host.RunAsync([.. restore, "--dry-run"])).Must().MustShow("are not there, and would come anew", "that are there would be moved aside", "would be left alone");
        Assert.Equal(before, await FingerprintAsync(host.Tree));

        var lengths = new List<long>();
        // Later each time, by how much is written down.
        foreach (var enough in new[] { 0, 30_000, 120_000, 200_000, 300_000, 400_000, 480_000 })
        {
            using (var running = host.Host.Start(restore))
            {
                while (!running.HasExited && !(File.Exists(Journal(host)) && new FileInfo(Journal(host)).Length > enough))
                {
                    await Task.Delay(1);
                }

                await running.KillAsync();
            }

            if (!File.Exists(Journal(host)))
            {
                break;
            }

            lengths.Add(new FileInfo(Journal(host)).Length);
            (await host.RunAsync(restore)).Must(8).MustSay("was interrupted", "pitr restore etc --in-place --roll-back");
            (await host.RunAsync("restore", FilesHost.Service, "--in-place", "--confirm")).Must(8).MustSay("was interrupted");
            (await host.RunAsync("restore", FilesHost.Service, "--in-place", "--roll-back", "--dry-run")).Must().MustShow("which was interrupted", "would be in their places again");
            await RollBackAsync(host, killed: lengths.Count % 2 == 0);
            Assert.Equal(before, await FingerprintAsync(host.Tree));
            Assert.False(File.Exists(Journal(host)));
        }

        output.WriteLine($"killed at {string.Join(", ", lengths)} bytes of the journal");
        Assert.InRange(lengths.Count, 3, 7);
        if (File.Exists(Path.ChangeExtension(Journal(host), null) + "-kept.journal"))
        {
            // The last one had come to its end before it was killed.
            (await host.RunAsync("restore", FilesHost.Service, "--in-place", "--roll-back")).Must();
        }

        var done = (await host.RunAsync([.. restore, "-o", "json"])).Must().Json;
        foreach (var counted in new[] { "new", "aside", "unchanged" })
        {
            Assert.Equal(dry.GetProperty(counted).GetInt32(), done.GetProperty(counted).GetInt32());
        }

        Assert.InRange(done.GetProperty("new").GetInt32(), Files / 4, Files / 2);
        Assert.InRange(done.GetProperty("aside").GetInt32(), Files / 4, Files / 2);
        (await host.RunAsync("restore", FilesHost.Service, "--to", host.Directory["to"])).Must();
        (await host.RunAsync("restore", FilesHost.Service, "--in-place", "--confirm", "-o", "json")).Must().MustShow("names that ended with .before-");
        Assert.Equal("", (await ProgramRun.RunAsync("/usr/bin/diff", ["-r", "--no-dereference", "-x", "*-later", host.Tree, host.Restored("to")])).Must().Output);
        (await host.RunAsync("restore", FilesHost.Service, "--in-place", "--roll-back")).Must(8).MustSay("there is nothing to undo");
        (await host.RunAsync("audit", FilesHost.Service, "-o", "json")).Must().MustShow("\"roll-back\": \"true\"", "\"confirm\": \"true\"");
    }

    static async Task RollBackAsync(FilesHost host, bool killed)
    {
        string[] arguments = ["restore", FilesHost.Service, "--in-place", "--roll-back", "-o", "json"];
        if (killed)
        {
            using var running = host.Host.Start(arguments);
            var aside = Directory.EnumerateFiles(host.Tree, "*.before-*", SearchOption.AllDirectories).FirstOrDefault();
            while (!running.HasExited && aside is not null && File.Exists(aside))
            {
                await Task.Delay(1);
            }

            await running.KillAsync();
        }

        if (File.Exists(Journal(host)))
        {
            (await host.RunAsync(arguments)).Must().MustShow("the files are what they were");
        }
    }

    [Fact]
    public async Task One_that_was_not_wanted_goes_back_and_one_that_was_removes_what_was_there()
    {
        using var host = await FilesHost.CreateAsync();
        host.Write("a", "backed up");
        host.Write("gone", "gone");
        await host.BackupAsync();
        host.Write("a", "now");
        File.Delete(Path.Combine(host.Tree, "gone"));
        var before = await FingerprintAsync(host.Tree);
        string[] service = ["restore", FilesHost.Service];
        (await host.RunAsync([.. service, "--in-place", "--path", host.Tree])).Must().MustShow("1 were not there before", "1 that were there are kept aside", "--in-place --roll-back", "--in-place --confirm");
        (await host.RunAsync([.. service, "--in-place", "--roll-back"])).Must().MustShow("1 are in their places again, 1 that had not been there are removed");
        Assert.Equal(before, await FingerprintAsync(host.Tree));

        (await host.RunAsync([.. service, "--in-place", "--path", host.Tree, "--remove-old"])).Must().MustShow("1 names that ended with .before-");
        Assert.Equal(["a", "gone"], Directory.EnumerateFiles(host.Tree).Select(Path.GetFileName).Order());
        Assert.Equal("backed up", File.ReadAllText(Path.Combine(host.Tree, "a")));

        (await host.RunAsync([.. service, "--in-place", "--roll-back"])).Must(8).MustSay("there is nothing to undo");
        (await host.RunAsync([.. service, "--in-place", "--confirm"])).Must(8).MustSay("there is nothing to remove");
        (await host.RunAsync([.. service, "--in-place", "--confirm", "--roll-back"])).Must(1).MustSay("exclude each other");
        (await host.RunAsync([.. service, "--in-place", "--confirm", "--path", "a"])).Must(1).MustSay("neither a backup nor a part");
        (await host.RunAsync([.. service, "--to", host.Directory["to"], "--confirm"])).Must(1).MustSay("--confirm belongs to --in-place");
        (await host.RunAsync([.. service, "--to", host.Directory["to"], "--roll-back"])).Must(1).MustSay("--roll-back belongs to --in-place");
    }

    [SmallDiskFact]
    public async Task A_full_disk_in_the_middle_leaves_the_tree_as_it_was()
    {
        using var host = await FilesHost.CreateAsync();
        using var disk = SmallDisk.Mount(host.Tree, "size=64m");
        host.Host.Through = disk.Enter;
        var tree = disk.Seen(host.Tree);
        await PythonAsync("import os, sys\nfor i in range(int(sys.argv[2])): open(f'{sys.argv[1]}/{i}', 'wb').write(os.urandom(1 << 20))", tree, 20);
        await FilesHost.SettleAsync();
        await host.BackupAsync();
        await PythonAsync("import os, sys\nfor i in range(int(sys.argv[2])): open(f'{sys.argv[1]}/{i}', 'w').write('now' * (i + 1))\nopen(sys.argv[1] + '/mine', 'wb').write(os.urandom(52 << 20))", tree, 20);
        var before = await FingerprintAsync(tree);
        string[] restore = ["restore", FilesHost.Service, "--in-place", "--path", host.Tree];

        (await host.RunAsync(restore)).Must(1).MustSay("No space left on device", "rolled back: the files are what they were", "HINT: make room");

        Assert.Equal(before, await FingerprintAsync(tree));
        Assert.False(File.Exists(Journal(host)));
        disk.Resize("size=100m");
        (await host.RunAsync(restore)).Must();
        Assert.Equal(1 << 20, new FileInfo(Path.Combine(tree, "7")).Length);
    }

    [Fact]
    public async Task After_a_killed_backup_the_next_one_is_whole()
    {
        using var host = await FilesHost.CreateAsync("backup: { pack-size: 1MiB, jobs: 2 }");
        host.Write("before", "before");
        await host.BackupAsync();
        await PythonAsync("import os, sys\nfor i in range(int(sys.argv[2])): open(f'{sys.argv[1]}/{i}', 'wb').write(os.urandom(1 << 20))", host.Tree, 40);
        await FilesHost.SettleAsync();
        var packs = Directory.EnumerateFiles(Path.Combine(host.Host.Repository, "services", FilesHost.Service), "*", SearchOption.AllDirectories).Where(f => f.Contains("/packs/", StringComparison.Ordinal));
        var first = packs.Count();
        foreach (var many in new[] { 2, 12 })
        {
            using var running = host.Host.Start("backup", FilesHost.Service, "--limit", "20MB/s");
            await Eventually.IsTrueAsync(() => packs.Count() >= first + many || running.HasExited, () => $"the backup has stored {many} packs");
            Assert.False(running.HasExited, "the backup ended before it could be killed");
            await running.KillAsync();
        }

        var backup = await host.BackupAsync();

        Assert.Equal(41, backup.GetProperty("files").GetInt32());
        Assert.Equal(2, (await host.RunAsync("info", FilesHost.Service, "-o", "json")).Must().Json.GetProperty("services")[0].GetProperty("backups").GetArrayLength());
        (await host.RunAsync("verify", FilesHost.Service, "--all")).Must();
        (await host.RunAsync("restore", FilesHost.Service, "--to", host.Directory["to"])).Must();
        Assert.Equal("", (await ProgramRun.RunAsync("/usr/bin/diff", ["-r", host.Tree, host.Restored("to")])).Must().Output);
        (await host.RunAsync("repo", "gc", FilesHost.Service, "--grace", "0s")).Must();
        (await host.RunAsync("verify", FilesHost.Service, "--all")).Must();
    }
}
