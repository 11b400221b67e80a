using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Backup;
using Pitr.Operations.Retention;
using Pitr.Operations.Services;
using Pitr.Postgres.Pages;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Backup;

/// <summary>Backups that go on from where others were interrupted.</summary>
public sealed class InterruptedBackupTests
{
    const string Path = "base/5/16384";
    const string Other = "base/5/16385";

    // 16 packs of a megabyte.
    const int Pages = 2048;

    [Fact]
    public async Task What_is_stored_already_is_not_stored_again()
    {
        await using var scenario = await Scenario.StartAsync();
        var service = BackupRoundTripTests.Open(scenario, 2, 1 << 20);
        var cluster = new SyntheticCluster();
        cluster.Fill(Path, Pages);
        await InterruptAsync(scenario, () => cluster.TakeAsync(service), 8);
        var left = await PacksAsync(scenario);
        cluster.Files[Path][7] = cluster.Page();
        cluster.Files[Path][Pages - 1] = cluster.Page();

        var backup = await cluster.TakeAsync(service);

        await cluster.RequireSameAsync(scenario, service, backup);
        var resumed = Assert.Single(backup.Resumed);
        Assert.InRange(resumed.Bytes, 5 << 20, 9 << 20);
        Assert.Equal((null, resumed.Bytes), (backup.Base, backup.OlderPacks.Sum(p => p.UsedBytes)));
        Assert.All(backup.OlderPacks, p => Assert.True(left.Contains(p.Key) && p.UsedBytes <= p.ContentBytes, p.Key));
        Assert.InRange(backup.Packs.Sum(p => p.Size), 7 << 20, 12 << 20);
        Assert.Empty(new JournalDirectory(service).Paths());

        // A pack that was taken over is one of an older backup to those that follow.
        var next = await cluster.TakeAsync(service);
        Assert.Equal((backup.Id, 0), (next.Base, next.Resumed.Count));
        Assert.True(next.StoredBytes < 100_000, $"{next.StoredBytes}");
        await cluster.RequireSameAsync(scenario, service, next);
    }

    [Fact]
    public async Task Backups_that_are_interrupted_again_and_again_come_to_an_end()
    {
        await using var scenario = await Scenario.StartAsync();
        var service = BackupRoundTripTests.Open(scenario, 1, 1 << 20);
        var cluster = new SyntheticCluster();
        cluster.Fill(Path, Pages / 2);
        cluster.Fill(Other, Pages / 2);
        var before = 0;
        for (var round = 0; round < 5; round++)
        {
            await InterruptAsync(scenario, () => cluster.TakeAsync(service), 2);
            var now = (await PacksAsync(scenario)).Count;
            Assert.True(now >= before + 2, $"round {round}: {before} packs were stored, and {now} are");
            before = now;
            cluster.Files[Other][^(round + 1)] = cluster.Page();
        }

        var backup = await cluster.TakeAsync(service);

        Assert.Equal(5, backup.Resumed.Count);
        Assert.InRange(backup.Packs.Count, 4, 8);
        await cluster.RequireSameAsync(scenario, service, backup);
    }

    [Fact]
    public async Task Random_histories_of_changes_and_interruptions_come_back()
    {
        for (var seed = 0; seed < 3; seed++)
        {
            await using var scenario = await Scenario.StartAsync();
            var random = new Random(seed);
            var service = BackupRoundTripTests.Open(scenario, random.Next(1, 4), 1 << 18);
            var cluster = new SyntheticCluster();
            for (var round = 0; round < 12; round++)
            {
                Change(cluster, random);
                if (random.Next(3) > 0)
                {
                    await InterruptAsync(scenario, () => cluster.TakeAsync(service), random.Next(6), mayEnd: true);
                    continue;
                }

                await cluster.RequireSameAsync(scenario, service, await cluster.TakeAsync(service));
            }

            await cluster.RequireSameAsync(scenario, service, await cluster.TakeAsync(service));
        }
    }

    static void Change(SyntheticCluster cluster, Random random)
    {
        for (var file = 0; file < 6; file++)
        {
            var path = $"base/{5 + (file % 2)}/{16384 + file}";
            switch (random.Next(7))
            {
                case 0:
                    cluster.Files.Remove(path);
                    break;
                case 1 or 2:
                    cluster.Fill(path, random.Next(1, 150));
                    break;
                case 3 when cluster.Files.TryGetValue(path, out var truncated):
                    truncated.RemoveRange(truncated.Count / 2, truncated.Count - (truncated.Count / 2));
                    truncated.AddRange(Enumerable.Range(0, random.Next(40)).Select(_ => random.Next(3) == 0 ? new byte[SyntheticCluster.PageSize] : cluster.Page()));
                    break;
                case 4 or 5 when cluster.Files.TryGetValue(path, out var pages):
                    for (var change = 0; change < 10; change++)
                    {
                        pages[random.Next(pages.Count)] = cluster.Page();
                    }

                    break;
            }

            if (cluster.Files.TryGetValue(path, out var some) && some.Count == 0)
            {
                cluster.Files.Remove(path);
            }
        }

        if (random.Next(5) == 0)
        {
            // Another database with the same OID, whose pages were copied with their LSNs.
            cluster.Databases["6"] = $"{random.Next()}";
            foreach (var (path, pages) in cluster.Files.Where(f => f.Key.StartsWith("base/6/", StringComparison.Ordinal)))
            {
                for (var n = 0; n < pages.Count; n++)
                {
                    pages[n] = SyntheticBackup.Page(DataPage.Lsn(pages[n]).Value, random.Next());
                }
            }
        }
    }

    [Fact]
    public async Task A_journal_that_was_cut_off_or_changed_is_believed_up_to_there()
    {
        await using var scenario = await Scenario.StartAsync();
        var service = BackupRoundTripTests.Open(scenario, 1, 1 << 20);
        var cluster = new SyntheticCluster();
        cluster.Fill(Path, Pages);
        await InterruptAsync(scenario, () => cluster.TakeAsync(service), 8);
        var journal = Assert.Single(new JournalDirectory(service).Paths());
        var whole = await File.ReadAllBytesAsync(journal);
        var random = new Random(1);
        var last = 0L;
        for (var kept = 0; kept <= whole.Length; kept += whole.Length / 20)
        {
            var content = whole[..kept];
            await File.WriteAllBytesAsync(journal, content);
            using var cut = InterruptedBackup.Open(journal);
            Assert.True((cut?.Bytes ?? 0) >= last, $"{kept} bytes give {cut?.Bytes}, fewer than {last}");
            last = cut?.Bytes ?? 0;
            if (kept == 0)
            {
                continue;
            }

            content[random.Next(kept)] ^= 4;
            await File.WriteAllBytesAsync(journal, content);
            using var changed = InterruptedBackup.Open(journal);
            Assert.True((changed?.Bytes ?? 0) <= last, $"{changed?.Bytes} of {last}");
        }

        Assert.InRange(last, 6 << 20, 9 << 20);
        await File.WriteAllBytesAsync(journal, whole[..(whole.Length / 2)]);
        var backup = await cluster.TakeAsync(service);
        await cluster.RequireSameAsync(scenario, service, backup);
        Assert.InRange(Assert.Single(backup.Resumed).Bytes, 2 << 20, 5 << 20);
    }

    [Fact]
    public async Task A_pack_that_a_repository_lacks_or_holds_in_part_is_not_taken_over()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var service = BackupRoundTripTests.Open(scenario, 1, 1 << 20);
        var cluster = new SyntheticCluster();
        cluster.Fill(Path, Pages);
        await InterruptAsync(scenario, () => cluster.TakeAsync(service), 8, repository: 1);
        var packs = await PacksAsync(scenario);
        File.Delete(scenario.PathOf(packs[2], 2));
        File.SetUnixFileMode(scenario.PathOf(packs[4], 1), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllBytesAsync(scenario.PathOf(packs[4], 1), new byte[17]);

        // Another process: this one has just seen a repository fail.
        service = BackupRoundTripTests.Open(scenario, 1, 1 << 20);
        var backup = await cluster.TakeAsync(service);

        await cluster.RequireSameAsync(scenario, service, backup);
        Assert.InRange(backup.OlderPacks.Count, 4, 7);
        Assert.DoesNotContain(backup.OlderPacks, p => p.Key == packs[2] || p.Key == packs[4]);
    }

    [Fact]
    public async Task Nothing_is_taken_over_where_unchanged_pages_cannot_be_told_by_their_LSN()
    {
        await using var scenario = await Scenario.StartAsync();
        var service = BackupRoundTripTests.Open(scenario, 1, 1 << 20);
        var cluster = new SyntheticCluster();
        cluster.Fill(Path, 300);
        cluster.Fill("base/6/16384", 300);
        await InterruptAsync(scenario, () => cluster.TakeAsync(service), 3);
        var journal = Assert.Single(new JournalDirectory(service).Paths());
        var content = await File.ReadAllBytesAsync(journal);
        var behind = new Lsn(0x90000000);

        Assert.NotNull(await FindAsync(cluster.Facts, behind));
        Assert.Null(await FindAsync(cluster.Facts with { Timeline = new Timeline(2) }, behind));
        Assert.Null(await FindAsync(cluster.Facts with { SystemIdentifier = 1 }, behind));
        Assert.Null(await FindAsync(cluster.Facts with { PageSize = 4096 }, behind));
        Assert.Null(await FindAsync(cluster.Facts with { DataChecksums = !cluster.Facts.DataChecksums }, behind));
        // A standby that lags behind the server that was backed up.
        Assert.Null(await FindAsync(cluster.Facts, new Lsn(0x2000100)));

        await File.WriteAllBytesAsync(journal, content);
        cluster.Databases["5"] = "another";
        var backup = await cluster.TakeAsync(service);
        await cluster.RequireSameAsync(scenario, service, backup);
        Assert.InRange(Assert.Single(backup.Resumed).Bytes, 1, 1 << 20);

        async Task<object?> FindAsync(Postgres.Sessions.ServerFacts facts, Lsn start)
        {
            await File.WriteAllBytesAsync(journal, content);
            using var found = await new InterruptedBackupFinder(service).FindAsync(facts, start, cluster.Databases, null, default);
            Assert.Equal(found is not null, File.Exists(journal));
            return found;
        }
    }

    [Fact]
    public async Task A_file_with_a_damaged_page_is_copied_again()
    {
        await using var scenario = await Scenario.StartAsync();
        var service = BackupRoundTripTests.Open(scenario, 1, 1 << 20);
        var cluster = new SyntheticCluster();
        cluster.Fill(Path, 300);
        cluster.Fill(Other, 300);
        await InterruptAsync(scenario, () => cluster.TakeAsync(service), 4);
        var journal = Assert.Single(new JournalDirectory(service).Paths());
        await File.AppendAllTextAsync(journal, System.Text.Encoding.UTF8.GetString(new JournalLine { Damaged = Path }.ToBytes()) + "\n");
        for (var n = 0; n < 300; n++)
        {
            // The same LSN: it was read wrong then, and is read right now.
            cluster.Files[Path][n][4000] ^= 1;
        }

        var backup = await cluster.TakeAsync(service);

        await cluster.RequireSameAsync(scenario, service, backup);
        Assert.InRange(Assert.Single(backup.Resumed).Bytes, 1, 300 * SyntheticCluster.PageSize);
    }

    [Fact]
    public async Task Packs_that_were_taken_over_live_as_long_as_the_backup_that_names_them()
    {
        await using var scenario = await Scenario.StartAsync();
        var service = BackupRoundTripTests.Open(scenario, 1, 1 << 20);
        var cluster = new SyntheticCluster();
        cluster.Fill(Path, Pages);
        await InterruptAsync(scenario, () => cluster.TakeAsync(service), 8);
        // As young as they are, the next backup may be about to name them.
        await new BackupRemoval(service).RunAsync(new NamedBackups([]), default);
        var backup = await cluster.TakeAsync(service);

        scenario.Clock.Advance(TimeSpan.FromDays(3));
        await new BackupRemoval(service).RunAsync(new NamedBackups([]), default);

        Assert.NotEmpty(backup.Resumed);
        await cluster.RequireSameAsync(scenario, service, backup);
        await new BackupRemoval(service) { Force = true }.RunAsync(new NamedBackups([BackupId.Parse(backup.Id)]), default);
        Assert.Empty(await PacksAsync(scenario));
    }

    // Lets some packs be stored, and then none any more.
    static async Task InterruptAsync(Scenario scenario, Func<Task> take, int packs, bool mayEnd = false, int repository = 0)
    {
        scenario.Stores[repository].Inject(StoreFault.FailBefore(StoreOperation.Put, new StorageException("r", null, "gone", isTransient: false))
            .On(key => key.Contains("/packs/", StringComparison.Ordinal)).After(packs).Repeated(int.MaxValue));
        var error = await Record.ExceptionAsync(take);
        Assert.True(error is StorageException || (mayEnd && error is null), $"{error}");
        scenario.Stores[repository].Heal();
    }

    static async Task<List<string>> PacksAsync(Scenario scenario) =>
        [.. (await scenario.KeysAsync(1, RepositoryLayout.AllPacksPrefix(scenario.Service.Name))).Order(StringComparer.Ordinal)];
}
