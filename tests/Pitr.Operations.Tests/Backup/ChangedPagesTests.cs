using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Backup;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Tests.Backup;

/// <summary>Backups that copy changed pages only, from tars made in memory.</summary>
public sealed class ChangedPagesTests
{
    const int PageSize = 8192;
    const ulong Old = 0x1000000;
    const ulong New = 0x2000100;
    const string Path = "base/5/16384";

    static byte[] Page(ulong lsn, int seed) => SyntheticBackup.Page(lsn, seed);

    static byte[] Tar(params (string Path, byte[][] Pages)[] files) => SyntheticBackup.Tar(SyntheticBackup.Around(
        [SyntheticFile.Directory("base"), SyntheticFile.Directory("base/5"), .. files.Select(f => SyntheticFile.File(f.Path, [.. f.Pages.SelectMany(p => p)]))]));

    static async Task<BackupDocument> TakeOnAsync(PostgresService service, byte[] tar, int minute, IReadOnlyDictionary<string, string>? databases = null)
    {
        var (basis, reason) = await new BackupBaseFinder(service).FindAsync(SyntheticBackup.Facts, SyntheticBackup.Start, databases ?? SyntheticBackup.Databases, default);
        Assert.True(basis is not null, reason);
        using (basis)
        {
            return await SyntheticBackup.TakeAsync(service, tar, Scenario.Start.AddMinutes(minute), basis);
        }
    }

    static async Task<byte[]> RestoreAsync(Scenario scenario, BackupDocument backup, string path = Path)
    {
        var directory = scenario[Guid.NewGuid().ToString("N")];
        await BackupRoundTripTests.RestoreAsync(scenario.Service, backup, directory);
        return await File.ReadAllBytesAsync(System.IO.Path.Combine(directory, path));
    }

    [Fact]
    public async Task Only_changed_pages_travel_and_everything_comes_back()
    {
        await using var scenario = await Scenario.StartAsync();
        var pages = Enumerable.Range(0, 100).Select(n => Page(Old, n)).ToArray();
        var first = await SyntheticBackup.TakeAsync(scenario.Service, Tar((Path, pages)));
        pages[3] = Page(New, 1003);
        pages[99] = Page(New, 1099);

        var second = await TakeOnAsync(scenario.Service, Tar((Path, pages)), 1);

        Assert.Equal(first.Id, second.Base);
        Assert.Equal(98 * PageSize, second.OlderPacks.Sum(p => p.UsedBytes));
        Assert.True(second.StoredBytes < first.StoredBytes / 10, $"{second.StoredBytes} of {first.StoredBytes}");
        Assert.Equal(pages.SelectMany(p => p), await RestoreAsync(scenario, second));
        Assert.Equal(Enumerable.Range(0, 100).SelectMany(n => Page(Old, n)), await RestoreAsync(scenario, first));
    }

    [Fact]
    public async Task A_page_counts_by_its_LSN_so_what_looks_unchanged_is_the_bases()
    {
        await using var scenario = await Scenario.StartAsync();
        await SyntheticBackup.TakeAsync(scenario.Service, Tar((Path, [Page(Old, 1), Page(Old, 2)])));

        // A hint bit that was set: the same page to PostgreSQL.
        var second = await TakeOnAsync(scenario.Service, Tar((Path, [Page(Old, 1), Page(Old, 20)])), 1);

        byte[] expected = [.. Page(Old, 1), .. Page(Old, 2)];
        Assert.Equal(expected, await RestoreAsync(scenario, second));
    }

    [Fact]
    public async Task Pages_without_a_position_zeros_and_pages_the_base_does_not_have_travel()
    {
        await using var scenario = await Scenario.StartAsync();
        byte[] zero = new byte[PageSize];
        await SyntheticBackup.TakeAsync(scenario.Service, Tar((Path, [Page(Old, 1), Page(Old, 2), Page(0, 4), Page(Old, 5)]), ("base/5/16385", [Page(Old, 6)]), ("base/5/16390", [.. Enumerable.Repeat(zero, 32)])));
        byte[][] pages = [zero, Page(Old, 2), Page(0, 40), Page(Old, 5), Page(Old, 7), zero, Page(Old, 9)];

        var second = await TakeOnAsync(scenario.Service, Tar((Path, pages), ("base/5/16386", [Page(Old, 8)]), ("base/5/16390", [Page(Old, 3)]), ("base/5/16384_fsm", [Page(Old, 10)])), 1);

        Assert.Equal(2 * PageSize, second.OlderPacks.Sum(p => p.UsedBytes));
        Assert.Equal(pages.SelectMany(p => p), await RestoreAsync(scenario, second));
        Assert.Equal(Page(Old, 8), await RestoreAsync(scenario, second, "base/5/16386"));
        Assert.Equal(Page(Old, 3), await RestoreAsync(scenario, second, "base/5/16390"));
        Assert.Equal(Page(Old, 10), await RestoreAsync(scenario, second, "base/5/16384_fsm"));
    }

    [Fact]
    public async Task Nothing_of_a_database_that_took_anothers_OID_is_reused()
    {
        await using var scenario = await Scenario.StartAsync();
        await SyntheticBackup.TakeAsync(scenario.Service, Tar((Path, [Page(Old, 1)]), ("global/1262", [Page(Old, 2)])));

        var second = await TakeOnAsync(scenario.Service, Tar((Path, [Page(Old, 10)]), ("global/1262", [Page(Old, 2)])), 1, new Dictionary<string, string> { ["5"] = "999" });

        Assert.Equal(PageSize, second.OlderPacks.Sum(p => p.UsedBytes));
        Assert.Equal(Page(Old, 10), await RestoreAsync(scenario, second));
    }

    [Fact]
    public async Task A_damaged_page_does_not_live_on()
    {
        await using var scenario = await Scenario.StartAsync();
        var first = await SyntheticBackup.TakeAsync(scenario.Service, Tar((Path, [Page(Old, 1)]), ("base/5/16385", [Page(Old, 2)])));
        await MarkAsync(first with { DamagedPages = 1, Damage = [new DamagedPage(Path, 0)] });

        var second = await TakeOnAsync(scenario.Service, Tar((Path, [Page(Old, 10)]), ("base/5/16385", [Page(Old, 2)])), 1);

        Assert.Equal(PageSize, second.OlderPacks.Sum(p => p.UsedBytes));
        Assert.Equal(Page(Old, 10), await RestoreAsync(scenario, second));
        await MarkAsync(second with { DamagedPages = 2000, Damage = [new DamagedPage(Path, 0)] });
        Assert.Equal($"backup {second.Id} holds 2000 damaged pages", (await FindAsync(scenario.Service)).Reason);

        Task MarkAsync(BackupDocument document) => scenario.Service.Repositories.PutAsync(
            RepositoryLayout.Backup(scenario.Service.Name, BackupId.Parse(document.Id)), document.ToJson(), PutMode.Replace, default);
    }

    [Fact]
    public async Task Random_histories_come_back_and_packs_that_are_mostly_dead_are_left_behind()
    {
        await using var scenario = await Scenario.StartAsync();
        var service = BackupRoundTripTests.Open(scenario, 2, 1 << 20);
        var random = new Random(17);
        var pages = Enumerable.Range(0, 200).Select(n => Page(Old, n)).ToList();
        await SyntheticBackup.TakeAsync(service, Tar((Path, [.. pages])));
        for (var round = 1; round < 14; round++)
        {
            for (var change = random.Next(60); change > 0; change--)
            {
                var n = random.Next(pages.Count);
                pages[n] = random.Next(8) == 0 ? new byte[PageSize] : Page(New, random.Next());
            }

            if (random.Next(3) == 0)
            {
                pages.RemoveRange(pages.Count - 20, 20);
            }

            pages.AddRange(Enumerable.Range(0, random.Next(30)).Select(_ => Page(New, random.Next())));
            var backup = await TakeOnAsync(service, Tar((Path, [.. pages])), round);

            Assert.Equal(pages.SelectMany(p => p), await RestoreAsync(scenario, backup));
            var basis = Assert.Single(await new BackupCatalog(service).ListAsync(default), b => b.Id == backup.Base);
            Assert.All(backup.OlderPacks, p => Assert.True(
                basis.Packs.Any(own => own.Key == p.Key) || basis.OlderPacks.Single(o => o.Key == p.Key) is var used && used.UsedBytes >= used.ContentBytes * 0.7,
                $"{p.Key} was used for {p.UsedBytes} of {p.ContentBytes} bytes"));
        }
    }

    [Fact]
    public async Task A_host_without_an_identity_compares_with_the_manifest_it_kept_and_a_damaged_one_is_fetched_instead()
    {
        await using var scenario = await Scenario.StartAsync();
        var first = await SyntheticBackup.TakeAsync(scenario.Service, Tar((Path, [Page(Old, 1)])));
        var kept = Assert.Single(Directory.GetFiles(System.IO.Path.Combine(scenario.Service.StateDirectory, "manifests")));
        var stored = scenario.PathOf(first.Manifest.Key);
        File.Move(stored, stored + ".away");
        using (var basis = (await FindAsync(scenario.Service)).Base)
        {
            Assert.Equal(first.Id, basis?.Document.Id);
        }

        var content = await File.ReadAllBytesAsync(kept);
        content[content.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(kept, content);
        Assert.Contains($"the manifest of backup {first.Id} cannot be read here", (await FindAsync(scenario.Service)).Reason, StringComparison.Ordinal);

        File.Move(stored + ".away", stored);
        using (var basis = (await FindAsync(scenario.Service)).Base)
        {
            Assert.Equal(first.Id, basis?.Document.Id);
        }
    }

    [Fact]
    public async Task Whatever_is_in_doubt_is_a_reason_to_copy_everything()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        Assert.Equal("this is the first backup", (await FindAsync(scenario.Service)).Reason);
        var first = await SyntheticBackup.TakeAsync(scenario.Service, Tar((Path, [Page(Old, 1)])));

        Assert.Equal("there is no backup of timeline 2 yet", await ReasonAsync(SyntheticBackup.Facts with { Timeline = new Format.Wal.Timeline(2) }));
        Assert.Equal("there is no backup of timeline 1 yet", await ReasonAsync(SyntheticBackup.Facts with { SystemIdentifier = 1 }));
        Assert.Equal($"page checksums were disabled since backup {first.Id}", await ReasonAsync(SyntheticBackup.Facts with { DataChecksums = false }));
        Assert.Equal($"pages had 8192 bytes in backup {first.Id} and have 4096 now", await ReasonAsync(SyntheticBackup.Facts with { PageSize = 4096 }));

        var key = RepositoryLayout.Backup(scenario.Service.Name, BackupId.Parse(first.Id));
        await scenario.Service.Repositories.Stores[1].DeleteAsync(key, default);
        Assert.Equal($"repository {scenario.Service.Repositories.Stores[1].Name} does not hold backup {first.Id}", (await FindAsync(scenario.Service)).Reason);

        async Task<string?> ReasonAsync(Postgres.Sessions.ServerFacts facts) => (await new BackupBaseFinder(scenario.Service).FindAsync(facts, SyntheticBackup.Start, SyntheticBackup.Databases, default)).Reason;
    }

    static Task<(BackupBase? Base, string? Reason)> FindAsync(PostgresService service) =>
        new BackupBaseFinder(service).FindAsync(SyntheticBackup.Facts, SyntheticBackup.Start, SyntheticBackup.Databases, default);
}
