using Pitr.Format.Catalog;
using Pitr.Operations.Backup;
using Pitr.Operations.Configuration;
using Pitr.Operations.Drill.Files;
using Pitr.Operations.Errors;
using Pitr.Operations.Groups;
using Pitr.Postgres;

namespace Pitr.Operations.Tests.Files.Journal;

/// <summary>The journal in backups of files, with a double of journalctl.</summary>
public sealed class JournalBackupTests
{
    [Fact]
    public async Task Each_backup_adds_what_is_new_and_holds_everything()
    {
        await using var scenario = await FilesScenario.StartAsync();
        var journal = new JournalctlDouble(scenario.Root);
        File.WriteAllText(Path.Combine(scenario.Tree, "a"), "a");
        var old = journal.Add(5000);
        var first = await BackupAsync(scenario, journal);
        byte[] all = [.. old, .. journal.Add(7)];
        var second = await BackupAsync(scenario, journal);
        var third = await BackupAsync(scenario, journal);

        Assert.Equal([5000L, 7, 0], new[] { first, second, third }.Select(b => b.Tree!.Journal!.Added));
        Assert.Equal([5000L, 5007, 5007], new[] { first, second, third }.Select(b => b.Tree!.Journal!.Entries));
        Assert.Equal([2, 3, 3], new[] { first, second, third }.Select(b => b.Files));
        Assert.Equal(all.Length - old.Length, second.DatabaseBytes - first.DatabaseBytes);
        Assert.Empty(third.Packs);
        Assert.Equal(first.Packs.Concat(second.Packs).Select(p => p.Key).Order(StringComparer.Ordinal), third.OlderPacks.Select(p => p.Key).Order(StringComparer.Ordinal));
        Assert.All([first, second, third], b => Assert.Empty(b.Tree!.Journal!.Gaps));
        Assert.Equal(all, await RestoreAsync(scenario, third));
        Assert.Equal(old, await RestoreAsync(scenario, first));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Parts(scenario["restored-" + third.Id])[0]));
    }

    [Fact]
    public async Task A_journal_alone_is_enough_and_an_empty_one_is_fine()
    {
        await using var scenario = await FilesScenario.StartAsync();
        var journal = new JournalctlDouble(scenario.Root);
        var empty = await BackupAsync(scenario, journal, s => s with { Paths = [] });
        var all = journal.Add(3);
        var backup = await BackupAsync(scenario, journal, s => s with { Paths = [] });

        Assert.Equal((0L, null, 0), (empty.Tree!.Journal!.Entries, empty.Tree.Journal.Cursor, empty.Files));
        Assert.Equal(all, await RestoreAsync(scenario, backup));
        Assert.Empty(backup.Tree!.Journal!.Gaps);
        Assert.Contains("--to DIR", (await Assert.ThrowsAsync<ImpossiblePlanException>(() => scenario.RestoreAsync(backup, null))).Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_restore_of_a_group_leaves_the_journal_to_journald(bool withPaths)
    {
        await using var scenario = await FilesScenario.StartAsync();
        var journal = new JournalctlDouble(scenario.Root);
        journal.Add(3);
        var file = Path.Combine(scenario.Tree, "a");
        File.WriteAllText(file, "backed up");
        var backup = await BackupAsync(scenario, journal, s => withPaths ? s : s with { Paths = [] });
        File.WriteAllText(file, "since");

        await using var component = new FilesComponent(scenario.Open());
        var plan = await component.PrepareAsync(null, "20261121T031500Z", null, default);
        Assert.Contains("only journald", string.Join('\n', [.. plan.Steps, .. plan.Notes]), StringComparison.Ordinal);
        Assert.Equal(backup.Id, plan.Record.Backup);
        var work = new ComponentWork(plan.Record, _ => { }, null);
        await component.ApplyAsync(work, default);
        Assert.Equal(withPaths ? "backed up" : "since", File.ReadAllText(file));
        Assert.False(Directory.Exists("/systemd-journal"));

        await component.RollBackAsync(work, keepsRestored: false);
        Assert.Equal("since", File.ReadAllText(file));
        Assert.NotEmpty(await component.ConfirmAsync(work.Record, default));
        Assert.Equal("since", File.ReadAllText(file));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_drill_reads_the_journal_back(bool withPaths)
    {
        await using var scenario = await FilesScenario.StartAsync();
        var journal = new JournalctlDouble(scenario.Root);
        journal.Add(300);
        File.WriteAllText(Path.Combine(scenario.Tree, "a"), "a");
        await BackupAsync(scenario, journal, s => withPaths ? s : s with { Paths = [] });

        var drill = await new FilesDrillRun(scenario.Open()).RunAsync(new FilesDrillRequest(null, []), null, default);

        Assert.Empty(drill.Failures);
        Assert.Equal(withPaths ? 2 : 1, drill.Tree!.Files);
    }

    [Fact]
    public async Task What_journald_has_removed_stays_in_the_backups()
    {
        await using var scenario = await FilesScenario.StartAsync();
        var journal = new JournalctlDouble(scenario.Root);
        var all = new List<byte>(journal.Add(50));
        await BackupAsync(scenario, journal);
        all.AddRange(journal.Add(10));
        journal.Vacuum(49);
        var second = await BackupAsync(scenario, journal);

        Assert.Equal(all, await RestoreAsync(scenario, second));
        Assert.Empty(second.Tree!.Journal!.Gaps);
    }

    [Fact]
    public async Task A_gap_is_named_and_nothing_is_stored_twice_or_left_out()
    {
        await using var scenario = await FilesScenario.StartAsync();
        var journal = new JournalctlDouble(scenario.Root);
        var before = journal.Add(50);
        var first = await BackupAsync(scenario, journal);
        journal.Add(10);
        var after = journal.Add(3);
        journal.Vacuum(60);
        var second = await BackupAsync(scenario, journal);
        var third = await BackupAsync(scenario, journal);

        byte[] all = [.. before, .. after];
        Assert.Equal(all, await RestoreAsync(scenario, second));
        var gap = Assert.Single(second.Tree!.Journal!.Gaps);
        Assert.Equal(new JournalGap(second.Id) { After = TimeOf(50), Before = TimeOf(61) }, gap);
        Assert.Equal([gap], third.Tree!.Journal!.Gaps);
        Assert.Equal(0, third.Tree.Journal.Added);
        Assert.Empty(first.Tree!.Journal!.Gaps);
    }

    [Fact]
    public async Task A_gap_that_has_no_end_yet_gets_one()
    {
        await using var scenario = await FilesScenario.StartAsync();
        var journal = new JournalctlDouble(scenario.Root);
        var before = journal.Add(5);
        await BackupAsync(scenario, journal);
        journal.Vacuum(5);
        await BackupAsync(scenario, journal);
        var open = await BackupAsync(scenario, journal);
        var after = journal.Add(2);
        var closed = await BackupAsync(scenario, journal);

        Assert.Equal([new JournalGap(open.Id) { After = TimeOf(5) }], open.Tree!.Journal!.Gaps);
        Assert.Equal([new JournalGap(closed.Id) { After = TimeOf(5), Before = TimeOf(6) }], closed.Tree!.Journal!.Gaps);
        byte[] all = [.. before, .. after];
        Assert.Equal(all, await RestoreAsync(scenario, closed));
    }

    [Fact]
    public async Task A_journal_that_lost_its_newest_entries_is_read_as_a_whole_without_what_is_stored()
    {
        await using var scenario = await FilesScenario.StartAsync();
        var journal = new JournalctlDouble(scenario.Root);
        var all = new List<byte>(journal.Add(20));
        journal.Add(1, sequence: "s2");
        await BackupAsync(scenario, journal);
        // As after the loss of one of its files, and of a machine that went back to a snapshot: the number is known, the time is not.
        var again = new JournalctlDouble(scenario["again"]);
        again.Add(20);
        var other = again.Add(JournalctlDouble.Entry("s1", 18, JournalctlDouble.Start + 900_000_000));
        var past = again.Add(JournalctlDouble.Entry("s3", 1, JournalctlDouble.Start - 900_000_000));
        var second = await BackupAsync(scenario, again);
        var third = await BackupAsync(scenario, again);

        Assert.Equal(2, second.Tree!.Journal!.Added);
        Assert.Single(second.Tree.Journal.Gaps);
        byte[] expected = [.. all, .. JournalctlDouble.Entry("s2", 21, JournalctlDouble.Start + 21_000_000), .. other, .. past];
        Assert.Equal(expected, await RestoreAsync(scenario, third));
    }

    [Fact]
    public async Task Another_selection_holds_from_the_next_backup_on()
    {
        await using var scenario = await FilesScenario.StartAsync();
        var journal = new JournalctlDouble(scenario.Root);
        var first = journal.Add(3, identifier: "-x");
        var others = journal.Add(3, identifier: "b");
        static JournalSettings Only(string identifier, JournalSettings settings) => settings with { Identifiers = [identifier], Matches = ["_MACHINE_ID=m1"] };
        await BackupAsync(scenario, journal, s => s with { Journal = Only("-x", s.Journal!) });
        journal.Add(2, identifier: "-x");
        var last = journal.Add(2, identifier: "b");
        var second = await BackupAsync(scenario, journal, s => s with { Journal = Only("b", s.Journal!) });

        Assert.Empty(second.Tree!.Journal!.Gaps);
        // Those that came behind the last one that was stored are meant now.
        byte[] expected = [.. first, .. others, .. last];
        Assert.Equal(expected, await RestoreAsync(scenario, second));
        Assert.Contains("'--identifier=-x', '--', '_MACHINE_ID=m1'", journal.Arguments, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kill 20", "exit code 137")]
    [InlineData("cut 20", "ends within an entry")]
    [InlineData("fail Failed to iterate: Bad message", "exit code 1: Failed to iterate: Bad message")]
    public async Task An_export_that_is_not_whole_is_no_backup(string how, string message)
    {
        await using var scenario = await FilesScenario.StartAsync();
        var journal = new JournalctlDouble(scenario.Root);
        var all = new List<byte>(journal.Add(10));
        var first = await BackupAsync(scenario, journal);
        all.AddRange(journal.Add(30));
        journal.Tell(how);

        Assert.Contains(message, (await Assert.ThrowsAsync<ServerException>(() => BackupAsync(scenario, journal))).Message, StringComparison.Ordinal);

        Assert.Equal([first.Id], (await new BackupCatalog(scenario.Open()).ListAsync(default)).Select(b => b.Id));
        journal.Tell("say Journal file x.journal corrupted, ignoring file.");
        var next = await BackupAsync(scenario, journal);
        Assert.Equal(all, await RestoreAsync(scenario, next));
        Assert.Equal(["Journal file x.journal corrupted, ignoring file."], next.Tree!.Journal!.Messages);
    }

    [Fact]
    public async Task What_cannot_be_read_is_said_before_anything_is_stored()
    {
        await using var scenario = await FilesScenario.StartAsync();
        var journal = new JournalctlDouble(scenario.Root);
        journal.Add(1);
        var missing = await Assert.ThrowsAsync<ServerException>(() => BackupAsync(scenario, journal, s => s with { Journal = s.Journal! with { BinDirectory = scenario["none"] } }));
        Assert.Contains("no journalctl found", missing.Message, StringComparison.Ordinal);
        Assert.Contains("install systemd", missing.Hint, StringComparison.Ordinal);
        Assert.Contains("is not there", (await Assert.ThrowsAsync<ImpossiblePlanException>(() => BackupAsync(scenario, journal, s => s with { Journal = s.Journal! with { Directory = scenario["none"] } }))).Message, StringComparison.Ordinal);
        Directory.CreateDirectory(scenario["empty"]);
        Assert.Contains("there is no systemd journal", (await Assert.ThrowsAsync<ImpossiblePlanException>(() => BackupAsync(scenario, journal, s => s with { Journal = s.Journal! with { Directory = scenario["empty"] } }))).Message, StringComparison.Ordinal);
        journal.Add(1, machine: "m2");
        Assert.Contains("machine m1 and of machine m2", (await Assert.ThrowsAsync<ImpossiblePlanException>(() => BackupAsync(scenario, journal))).Message, StringComparison.Ordinal);
        Assert.Empty(await new BackupCatalog(scenario.Open()).ListAsync(default));
    }

    [Theory]
    [InlineData("system.journal")]
    [InlineData("0123456789abcdef0123456789abcdef/user-1000.journal~")]
    public async Task A_file_that_may_not_be_read_is_not_left_out(string name)
    {
        if (Environment.IsPrivilegedProcess)
        {
            // Root may read everything; scripts/test runs the tests as somebody else.
            return;
        }

        await using var scenario = await FilesScenario.StartAsync();
        var journal = new JournalctlDouble(scenario.Root);
        var path = Path.Combine(journal.Directory, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.AppendAllText(path, "");
        File.SetUnixFileMode(path, UnixFileMode.None);

        var refused = await Assert.ThrowsAsync<RefusedInputException>(() => BackupAsync(scenario, journal));

        Assert.Contains($"{path} of the systemd journal cannot be read", refused.Message, StringComparison.Ordinal);
        Assert.Contains("systemd-journal", refused.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_small_parts_become_one_and_their_packs_are_left_behind()
    {
        await using var scenario = await FilesScenario.StartAsync();
        var journal = new JournalctlDouble(scenario.Root);
        var all = new List<byte>();
        BackupDocument? backup = null;
        for (var i = 0; i < 35; i++)
        {
            all.AddRange(journal.Add(4));
            backup = await BackupAsync(scenario, journal);
            journal.Vacuum(3);
        }

        Assert.Equal([16, 16, 1, 1, 1], backup!.Tree!.Journal!.Parts.Select(part => part.Backups));
        Assert.Equal(140, backup.Tree.Journal.Entries);
        Assert.True(backup.OlderPacks.Count <= 4, $"{backup.OlderPacks.Count} packs of older backups");
        Assert.Equal(all, await RestoreAsync(scenario, backup));
        Assert.Empty(backup.Tree.Journal.Gaps);
    }

    [Fact]
    public async Task Parts_are_stored_anew_where_they_cannot_be_pointed_at()
    {
        await using var scenario = await FilesScenario.StartAsync();
        var journal = new JournalctlDouble(scenario.Root);
        var large = Path.Combine(scenario.Tree, "large");
        File.WriteAllBytes(large, System.Security.Cryptography.RandomNumberGenerator.GetBytes(5 << 20));
        // Compresses to little, and takes more than one window to read.
        var all = journal.Add(2500, message: new string('m', 2500));
        var first = await BackupAsync(scenario, journal);
        journal.Vacuum(2499);
        var full = await BackupAsync(scenario, journal, full: true);
        File.WriteAllText(large, "small");
        all = [.. all, .. journal.Add(1)];
        var last = await BackupAsync(scenario, journal);

        Assert.Empty(full.OlderPacks);
        Assert.DoesNotContain(last.OlderPacks, pack => first.Packs.Any(p => p.Key == pack.Key));
        Assert.Equal(all, await RestoreAsync(scenario, last));
        Assert.Equal(2500, full.Tree!.Journal!.Entries);
    }

    [Fact]
    public async Task Entries_go_when_they_are_older_than_keep()
    {
        await using var scenario = await FilesScenario.StartAsync();
        var journal = new JournalctlDouble(scenario.Root);
        journal.Add(5);
        var backup = await BackupAsync(scenario, journal);
        journal.Vacuum(4);
        scenario.Clock.Advance(TimeSpan.FromDays(80));
        Assert.Equal(5, (await BackupAsync(scenario, journal)).Tree!.Journal!.Entries);
        scenario.Clock.Advance(TimeSpan.FromDays(11));

        var next = await BackupAsync(scenario, journal);
        Assert.Equal((0L, 0), (next.Tree!.Journal!.Entries, next.Tree.Journal.Parts.Count));
        Assert.Equal(backup.Tree!.Journal!.Cursor, next.Tree.Journal.Cursor);
    }

    [Fact]
    public async Task A_part_that_is_damaged_everywhere_is_named_and_the_rest_goes_on()
    {
        await using var scenario = await FilesScenario.StartAsync();
        var journal = new JournalctlDouble(scenario.Root);
        journal.Add(5);
        var first = await BackupAsync(scenario, journal);
        var kept = journal.Add(6);
        await BackupAsync(scenario, journal);
        await scenario.Store.DeleteAsync(first.Packs[0].Key, default);

        var next = await BackupAsync(scenario, journal);

        Assert.False(next.IsSound());
        Assert.Equal("/" + Pitr.Operations.Files.Journal.JournalPlace.Directory, Path.GetDirectoryName(Assert.Single(next.Tree!.Problems).Path));
        Assert.Equal(kept, await RestoreAsync(scenario, next));
    }

    [Fact]
    public async Task In_place_the_journal_is_left_alone()
    {
        await using var scenario = await FilesScenario.StartAsync();
        var journal = new JournalctlDouble(scenario.Root);
        var file = Path.Combine(scenario.Tree, "a");
        File.WriteAllText(file, "before");
        journal.Add(5);
        var backup = await BackupAsync(scenario, journal);
        File.WriteAllText(file, "after");

        var restored = await scenario.RestoreAsync(backup, null, scenario.Tree + "/", "/systemd-journal");

        Assert.True(restored.JournalLeftOut);
        Assert.Equal((1, "before"), (restored.Files, File.ReadAllText(file)));
        Assert.False((await scenario.RestoreAsync(backup, null, file)).JournalLeftOut);
        await Assert.ThrowsAsync<ImpossiblePlanException>(() => scenario.RestoreAsync(backup, null, "*.export"));
        Assert.False(Path.Exists("/systemd-journal"));
        Assert.Equal(1, (await scenario.RestoreAsync(backup, scenario["part"], "/systemd-journal")).Files);
    }

    static DateTimeOffset TimeOf(int number) => DateTimeOffset.UnixEpoch.AddMicroseconds(JournalctlDouble.Start + (number * 1_000_000L));

    static Task<BackupDocument> BackupAsync(FilesScenario scenario, JournalctlDouble journal, Func<FilesServiceSettings, FilesServiceSettings>? change = null, bool full = false) =>
        scenario.BackupAsync(settings => (change ?? (static s => s))(settings with { Journal = journal.Settings }), full);

    static string[] Parts(string directory) => [.. Directory.GetFiles(Path.Combine(directory, "systemd-journal")).Order(StringComparer.Ordinal)];

    static async Task<byte[]> RestoreAsync(FilesScenario scenario, BackupDocument backup)
    {
        var directory = scenario["restored-" + backup.Id];
        if (!Directory.Exists(directory))
        {
            await scenario.RestoreAsync(backup, directory);
        }

        return [.. Parts(directory).SelectMany(File.ReadAllBytes)];
    }
}
