using Pitr.Format.Catalog;
using Pitr.Operations.Errors;
using Pitr.Operations.Files;
using Pitr.Operations.Files.InPlace;
using Pitr.Tests;

namespace Pitr.Operations.Tests.Files;

/// <summary>A restore of files in place that is killed, fails or was not wanted leaves the tree as it was; what others have written meanwhile is never lost.</summary>
public sealed class FilesInPlaceTests
{
    // A tree of every kind of thing.
    const string First =
        """
        import os, sys
        os.chdir(sys.argv[1])
        def write(name, text): open(name, 'w').write(text)
        for d in ('closed', 'same', 'gone/deep/er', 'once-file', 'once-link', 'marked'): os.makedirs(d)
        write('changed', 'as it was backed up'); write('same/same', 'same'); write('gone/deep/er/file', 'gone'); write('gone/empty', '')
        write('removed', 'removed'); write('once-directory', 'a file'); write('once-file/inner', 'inner'); write('once-link/inner', 'inner'); write('closed/inner', 'closed')
        write(b'caf\xe9\nx', 'latin'); write('one', 'of two names'); os.link('one', 'two'); os.link('one', 'same/three')
        write('n' * 255, 'a long name')
        os.symlink('nowhere', 'link'); os.mkfifo('fifo', 0o640)
        os.setxattr('marked', 'user.note', b'backed up'); os.setxattr('changed', 'user.c', b'1')
        for t, n in ((1111111111, 'changed'), (1222222222, 'same'), (1333333333, 'marked'), (1444444444, 'one')): os.utime(n, ns=(1, t * 10 ** 9 + 7))
        if os.geteuid() == 0:
            for n in ('changed', 'marked', 'gone/deep', 'link'): os.chown(n, 1, 2, follow_symlinks=False)
        os.chmod('closed', 0o500)
        """;

    // What has become of it since.
    const string Then =
        """
        import os, shutil, sys
        os.chdir(sys.argv[1])
        def write(name, text): open(name, 'w').write(text)
        write('changed', 'as it is'); os.chmod('changed', 0o604); shutil.rmtree('gone'); os.remove('removed'); os.remove('fifo')
        os.remove('once-directory'); os.makedirs('once-directory/sub'); write('once-directory/sub/mine', 'mine')
        shutil.rmtree('once-file'); write('once-file', 'a file now'); shutil.rmtree('once-link'); os.symlink('/etc', 'once-link')
        os.chmod('closed', 0o700); write('closed/inner', 'open now'); write('closed/more', 'more')
        os.remove('link'); os.symlink('elsewhere', 'link'); write(b'caf\xe9\nx', 'utf'); write('n' * 255, 'another')
        os.remove('two'); write('two', 'a file of its own'); write('later', 'later')
        os.setxattr('marked', 'user.note', b'now'); os.setxattr('marked', 'user.other', b'x'); os.chmod('marked', 0o1777)
        if os.geteuid() == 0:
            for n in ('changed', 'marked', 'closed'): os.chown(n, 3, 4)
        for t, n in ((1555555555, 'marked'), (1666666666, 'closed'), (1777777777, 'once-directory'), (1888888888, '.')): os.utime(n, ns=(1, t * 10 ** 9 + 3))
        """;

    sealed class Killed : Exception;

    static async Task<(FilesScenario Scenario, BackupDocument Backup, string Before)> ChangedAsync()
    {
        var scenario = await FilesScenario.StartAsync();
        FilesScenario.Python(First, scenario.Tree);
        var backup = await scenario.BackupAsync();
        FilesScenario.Python(Then, scenario.Tree);
        return (scenario, backup, Fingerprint(scenario));
    }

    static string Fingerprint(FilesScenario scenario) => FilesScenario.Python(TreeFingerprint.Script, scenario.Tree);

    // Throws at a step and at every one after it, as if the process were not there any more.
    static FilesInPlace Killing(FilesScenario scenario, int at)
    {
        var step = 0;
        return new FilesInPlace(scenario.Open()) { Step = () => _ = ++step >= at ? throw new Killed() : 0 };
    }

    static async Task<bool> IsKilledAsync(FilesScenario scenario, BackupDocument backup, int at)
    {
        using var inPlace = Killing(scenario, at);
        try
        {
            await inPlace.RunAsync(new FilesRestore(scenario.Open(), backup, new FilesRestoreRequest(PathSelection.Parse([scenario.Tree]), null, NumericOwners: false)), null, default);
            return false;
        }
        catch (Killed)
        {
            return true;
        }
    }

    static bool IsRollBackKilled(FilesScenario scenario, int at)
    {
        using var inPlace = Killing(scenario, at);
        try
        {
            if (inPlace.Interrupted is { } interrupted)
            {
                _ = inPlace.RollBack(interrupted, null);
            }

            return false;
        }
        catch (Killed)
        {
            return true;
        }
    }

    static IReadOnlyList<string> RollBack(FilesScenario scenario)
    {
        using var inPlace = new FilesInPlace(scenario.Open());
        return inPlace.RollBack(inPlace.RequireRollBack(), null);
    }

    [Fact]
    public async Task Killed_at_every_step_and_undone_the_tree_is_what_it_was()
    {
        var (scenario, backup, before) = await ChangedAsync();
        await using var _ = scenario;
        var step = 1;
        for (; await IsKilledAsync(scenario, backup, step); step++)
        {
            scenario.Clock.Advance(TimeSpan.FromSeconds(1));
            // The way back is killed as well, twice.
            IsRollBackKilled(scenario, 1 + (step % 37));
            IsRollBackKilled(scenario, 1 + (step % 5));
            Assert.False(IsRollBackKilled(scenario, int.MaxValue));
            Assert.Equal(before, Fingerprint(scenario));
            Assert.Empty(Directory.GetFiles(Path.Combine(scenario["state"], "services", "etc"), "in-place*journal*"));
        }

        Assert.InRange(step, 60, 1000);
        Assert.Contains("are in their places again", RollBack(scenario)[0], StringComparison.Ordinal);
        Assert.Equal(before, Fingerprint(scenario));
    }

    [Fact]
    public async Task A_roll_back_killed_at_every_step_goes_on()
    {
        var (scenario, backup, before) = await ChangedAsync();
        await using var _ = scenario;
        Assert.False(await IsKilledAsync(scenario, backup, int.MaxValue));
        var service = scenario.Open();
        var step = 1;
        for (var isKilled = true; isKilled; step++)
        {
            using var inPlace = Killing(scenario, step);
            try
            {
                isKilled = inPlace.RollBack(inPlace.RequireRollBack(), null).Count == 0;
            }
            catch (Killed)
            {
                // Goes on with the next step.
            }
        }

        Assert.InRange(step, 8, 1000);
        Assert.Equal(before, Fingerprint(scenario));
    }

    [Fact]
    public async Task What_is_kept_is_removed_by_the_journal_and_the_tree_is_that_of_the_backup()
    {
        await using var scenario = await FilesScenario.StartAsync();
        FilesScenario.Python(First, scenario.Tree);
        var backedUp = Fingerprint(scenario);
        var backup = await scenario.BackupAsync();
        FilesScenario.Python(Then, scenario.Tree);
        foreach (var theirs in new[] { "later", "closed/more" })
        {
            File.Delete(Path.Combine(scenario.Tree, theirs));
        }

        FilesScenario.Python("import os, sys; os.removexattr(sys.argv[1], 'user.other')", Path.Combine(scenario.Tree, "marked"));

        var plan = await new FilesRestore(scenario.Open(), backup, new FilesRestoreRequest(PathSelection.Parse([scenario.Tree]), null, NumericOwners: false)).PlanAsync(default);
        var restored = await scenario.RestoreAsync(backup, null, scenario.Tree);
        Assert.Equal((restored.New, restored.Aside, restored.Unchanged), (plan.New, plan.Aside, plan.Unchanged));
        Assert.Equal((6, 11), (restored.New, restored.Aside));
        // Of the same name, but not what was kept.
        File.WriteAllText(Path.Combine(scenario.Tree, "other" + restored.AsideSuffix), "not of this restore");
        FilesScenario.Python("import os, sys; os.chmod(sys.argv[1], 0o600); os.utime(sys.argv[1], ns=(1, 5))", Path.Combine(scenario.Tree, "changed" + restored.AsideSuffix));

        using var inPlace = new FilesInPlace(scenario.Open());
        var said = inPlace.RemoveOld();

        Assert.Equal(2, said.Count);
        Assert.StartsWith("10 names that ended with", said[0], StringComparison.Ordinal);
        Assert.Contains("/changed.before-", said[1], StringComparison.Ordinal);
        File.Delete(Path.Combine(scenario.Tree, "other" + restored.AsideSuffix));
        File.Delete(Path.Combine(scenario.Tree, "changed" + restored.AsideSuffix));
        File.SetLastWriteTimeUtc(scenario.Tree, DateTime.UnixEpoch);
        Assert.Equal(WithoutRootTime(backedUp), WithoutRootTime(Fingerprint(scenario)));
        Assert.Throws<ImpossiblePlanException>(() => inPlace.RequireRollBack());
        Assert.Throws<ImpossiblePlanException>(() => inPlace.RemoveOld());

        static string WithoutRootTime(string fingerprint) => fingerprint[fingerprint.IndexOf('\n', StringComparison.Ordinal)..];
    }

    [Fact]
    public async Task What_others_have_written_since_is_kept()
    {
        var (scenario, backup, _) = await ChangedAsync();
        await using var _ = scenario;
        var restored = await scenario.RestoreAsync(backup, null, scenario.Tree);
        FilesScenario.Python(
            """
            import os, sys
            os.chdir(sys.argv[1])
            open('changed', 'a').write(' and more')
            # As long as before, and as old: only the time of the change tells.
            s = os.stat('removed'); open('removed', 'w').write('REMOVED'); os.utime('removed', ns=(1, s.st_mtime_ns))
            open('new', 'w').write('replaced'); os.rename('new', 'link')
            open('gone/deep/er/mine', 'w').write('mine')
            os.remove('two'); os.remove('two' + sys.argv[2])
            os.remove('once-directory')
            """, scenario.Tree, restored.AsideSuffix);

        var said = RollBack(scenario);

        string Of(string name) => File.ReadAllText(Path.Combine(scenario.Tree, name));
        var undone = restored.AsideSuffix.Replace(".before-", ".undone-", StringComparison.Ordinal);
        Assert.Equal(("as it is", "as it was backed up and more"), (Of("changed"), Of("changed" + undone)));
        Assert.Equal((false, "REMOVED"), (File.Exists(Path.Combine(scenario.Tree, "removed")), Of("removed" + undone)));
        Assert.Equal(("elsewhere", "replaced"), (new FileInfo(Path.Combine(scenario.Tree, "link")).LinkTarget, Of("link" + undone)));
        Assert.Equal("mine", Of($"gone{undone}/deep{undone}/er{undone}/mine"));
        Assert.Equal("mine", Of("once-directory/sub/mine"));
        Assert.False(Directory.Exists(Path.Combine(scenario.Tree, "gone")));
        Assert.Contains(said, s => s.StartsWith("was not kept any more", StringComparison.Ordinal) && s.EndsWith("/two", StringComparison.Ordinal));
        Assert.Contains(said, s => s.StartsWith("what was restored and has changed since is kept as", StringComparison.Ordinal) && s.Contains("changed" + undone, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_failure_undoes_everything_by_itself()
    {
        var (scenario, backup, before) = await ChangedAsync();
        await using var _ = scenario;
        var pack = scenario["r1/" + backup.Packs[0].Key];
        File.SetUnixFileMode(pack, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var whole = File.ReadAllBytes(pack);
        File.WriteAllBytes(pack, [.. whole[..^3], (byte)(whole[^3] ^ 1), .. whole[^2..]]);

        var error = await Assert.ThrowsAsync<RolledBackException>(() => scenario.RestoreAsync(backup, null, scenario.Tree));

        Assert.IsType<DamagedRepositoryException>(error.InnerException);
        Assert.Contains("rolled back: the files are what they were", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, Fingerprint(scenario));
        File.WriteAllBytes(pack, whole);
        Assert.Equal(6, (await scenario.RestoreAsync(backup, null, scenario.Tree)).New);
    }

    [Fact]
    public async Task What_the_journal_lost_in_a_crash_is_not_needed_and_damage_is_refused()
    {
        var (scenario, backup, before) = await ChangedAsync();
        await using var _ = scenario;
        var path = Path.Combine(scenario["state"], "services", "etc", "in-place.journal");
        // The last step: all has its name.
        var last = 1;
        for (; await IsKilledAsync(scenario, backup, last); last++)
        {
            Assert.False(IsRollBackKilled(scenario, int.MaxValue));
        }

        RollBack(scenario);
        Assert.True(await IsKilledAsync(scenario, backup, last - 1));
        var journal = File.ReadAllBytes(path);
        var durable = (int)BitConverter.ToInt64(journal, 8);
        Assert.InRange(durable, 100, journal.Length - 1);
        foreach (var place in new[] { 3, 12, 30, 500, durable - 1 })
        {
            var damaged = journal.ToArray();
            damaged[place] ^= 0x40;
            File.WriteAllBytes(path, damaged);
            using var refused = new FilesInPlace(scenario.Open());
            Assert.Contains("cannot be read", Assert.Throws<ImpossiblePlanException>(() => RollBack(scenario)).Message, StringComparison.Ordinal);
        }

        // What was not durable is gone, or nonsense.
        File.WriteAllBytes(path, [.. journal[..durable], .. new byte[1000]]);
        RollBack(scenario);
        Assert.Equal(before, Fingerprint(scenario));
    }

    [Fact]
    public async Task Nothing_else_begins_until_an_interrupted_one_is_undone()
    {
        var (scenario, backup, before) = await ChangedAsync();
        await using var _ = scenario;
        Assert.True(await IsKilledAsync(scenario, backup, 40));
        Assert.Contains("was interrupted", (await Assert.ThrowsAsync<ImpossiblePlanException>(() => scenario.RestoreAsync(backup, null, scenario.Tree))).Message, StringComparison.Ordinal);
        using var inPlace = new FilesInPlace(scenario.Open());
        Assert.Throws<ImpossiblePlanException>(() => inPlace.RemoveOld());
        inPlace.Lock();
        using var second = new FilesInPlace(scenario.Open());
        Assert.Throws<BusyException>(second.Lock);
        Assert.Equal(0, (await scenario.RestoreAsync(backup, scenario["to"])).Aside);
        RollBack(scenario);
        Assert.Equal(before, Fingerprint(scenario));
    }
}
