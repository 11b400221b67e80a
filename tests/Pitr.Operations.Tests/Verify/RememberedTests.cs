using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Verify;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Verify;

/// <summary>What was verified is not read again until it is old or has changed; what was found is; and nothing that could not be asked is green.</summary>
public class RememberedTests
{
    [Fact]
    public async Task The_second_run_reads_only_what_is_new()
    {
        await using var world = await VerifyWorld.StartAsync(isWide: false);
        var first = Assert.Single((await world.VerifyAsync()).Repositories);
        Assert.Equal((5L, 0L, (long)world.Backups[0].Packs.Count), (first.WalRead, first.WalFresh, first.PacksRead));

        var second = await world.VerifyAsync();
        VerifyWorld.RequirePassed(second);
        var copy = Assert.Single(second.Repositories);
        Assert.Equal((0L, 5L, 0L, first.PacksRead, 0L), (copy.WalRead, copy.WalFresh, copy.PacksRead, copy.PacksFresh, copy.ManifestsRead));

        world.Cluster.Files["base/5/1000"][1] = world.Cluster.Page();
        await world.BackUpAsync();
        await world.Scenario.Push.PushAsync(world.Scenario.Write(world.Wal.Name(5), world.Wal.Segment(5)), default);
        var third = await world.VerifyAsync();
        VerifyWorld.RequirePassed(third);
        copy = Assert.Single(third.Repositories);
        // The new segment, and the one before it, because they must fit.
        Assert.Equal((2L, 6L - 1, (long)world.Backups[1].Packs.Count, 1L), (copy.WalRead, copy.WalFresh, copy.PacksRead, copy.ManifestsRead));
    }

    [Fact]
    public async Task What_is_older_than_stale_is_read_again_and_all_reads_everything()
    {
        await using var world = await VerifyWorld.StartAsync(isWide: false);
        var first = Assert.Single((await world.VerifyAsync()).Repositories);
        Assert.Equal(first.BytesRead, Assert.Single((await world.VerifyAsync(o => o with { All = true })).Repositories).BytesRead);

        world.Scenario.Clock.Advance(TimeSpan.FromDays(20));
        Assert.Equal(0, Assert.Single((await world.VerifyAsync()).Repositories).PacksRead);
        var weekly = new VerifySettings(TimeSpan.FromDays(7));
        Assert.Equal(0, Assert.Single((await world.VerifyAsync(o => o with { Stale = TimeSpan.FromDays(21) }, settings: weekly)).Repositories).PacksRead);
        Assert.Equal(first.PacksRead, Assert.Single((await world.VerifyAsync(settings: weekly)).Repositories).PacksRead);
        world.Scenario.Clock.Advance(TimeSpan.FromDays(20));
        Assert.Equal(first.PacksRead, Assert.Single((await world.VerifyAsync(o => o with { Stale = TimeSpan.FromDays(19) })).Repositories).PacksRead);
        world.Scenario.Clock.Advance(TimeSpan.FromDays(31));
        Assert.Equal((first.PacksRead, first.WalRead), Assert.Single((await world.VerifyAsync()).Repositories) is var copy ? (copy.PacksRead, copy.WalRead) : default);
    }

    [Theory]
    [InlineData(RepositoryKeyKind.Pack)]
    [InlineData(RepositoryKeyKind.Manifest)]
    [InlineData(RepositoryKeyKind.Wal)]
    [InlineData(RepositoryKeyKind.Audit)]
    public async Task What_has_changed_is_read_again_and_a_finding_is_found_again(RepositoryKeyKind kind)
    {
        await using var world = await VerifyWorld.StartAsync();
        VerifyWorld.RequirePassed(await world.VerifyAsync());
        var key = (await world.Scenario.KeysAsync()).First(key => RepositoryKey.Parse(key).Kind == kind);
        world.Scenario.Damage(key);
        for (var round = 0; round < 2; round++)
        {
            Assert.Contains((await world.VerifyAsync()).Findings, f => f.Object == key);
        }

        world.Scenario.Damage(key);
        VerifyWorld.RequirePassed(await world.VerifyAsync());
    }

    [Fact]
    public async Task What_is_gone_is_missing_though_it_was_verified()
    {
        await using var world = await VerifyWorld.StartAsync();
        VerifyWorld.RequirePassed(await world.VerifyAsync());
        File.Delete(world.Scenario.PathOf(world.SharedPack));
        File.Delete(world.Scenario.PathOf(world.Segment(2)));
        var id = (await world.Service.SealingKeys.GetAsync(default)).Id;
        File.Delete(world.Scenario.PathOf(RepositoryLayout.DataKey(id)));

        var report = await world.VerifyAsync(o => o with { Sample = 1, SinceTime = Scenario.Start.AddYears(1) });

        Assert.Equal(
            [(FindingKind.Gap, world.Wal.Name(2)), (FindingKind.Missing, RepositoryLayout.DataKey(id)), (FindingKind.Missing, world.SharedPack)],
            report.Findings.Select(f => (f.Kind, f.Object)).OrderBy(f => f.Object, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(1, null)]
    [InlineData(null, 0.34)]
    public async Task Samples_come_to_an_end_because_what_they_read_is_remembered(int? sample, double? share)
    {
        await using var world = await VerifyWorld.StartAsync(isWide: false);
        var read = 0L;
        for (var round = 0; round < 40; round++)
        {
            var report = await world.VerifyAsync(o => o with { Sample = sample, Share = share, Random = new Random(round) });
            VerifyWorld.RequirePassed(report);
            if (report.Repositories[0] is { PacksRead: 0, WalFresh: 5 })
            {
                Assert.Equal(world.Backups[0].Packs.Count, read);
                return;
            }

            read += report.Repositories[0].PacksRead;
        }

        Assert.Fail($"{read} packs were read and it goes on");
    }

    [Fact]
    public async Task Since_leaves_out_older_backups_and_wal()
    {
        await using var world = await VerifyWorld.StartAsync();

        var report = await world.VerifyAsync(o => o with { SinceTime = world.Backups[1].StopTime });

        VerifyWorld.RequirePassed(report);
        Assert.Equal(1, report.Repositories[0].ManifestsRead);
        Assert.True(report.Repositories[0].PacksRead < report.Repositories[0].Packs);
    }

    [Fact]
    public async Task A_repository_that_does_not_answer_is_not_green_and_the_other_is_verified()
    {
        await using var world = await VerifyWorld.StartAsync(repositories: 2);
        foreach (var operation in new[] { StoreOperation.Read, StoreOperation.List, StoreOperation.Stat })
        {
            world.Scenario.Stores[1].Inject(StoreFault.FailBefore(operation).Repeated(int.MaxValue));
        }

        var report = await world.VerifyAnewAsync();

        Assert.Equal((false, 0L), (report.Passed, report.FindingCount));
        Assert.Equal([true, false], report.Repositories.Select(r => r.Unanswered is null));
        Assert.True(report.Repositories[0].PacksRead > 0);
    }

    [Fact]
    public async Task A_wrong_identity_is_an_error_and_no_finding()
    {
        await using var world = await VerifyWorld.StartAsync();
        world.Scenario.WriteIdentity("other");
        await Assert.ThrowsAsync<KeyUnavailableException>(() => world.VerifyAsync(identity: "other"));
    }

    [Fact]
    public async Task A_backup_that_runs_and_one_that_is_expired_meanwhile_are_no_findings()
    {
        await using var world = await VerifyWorld.StartAsync();
        var running = new BackupId(Scenario.Start.AddHours(3));
        await world.Scenario.Store.PutAsync(RepositoryLayout.Pack(world.Service.Name, running, 0), new byte[500], PutMode.CreateNew, default);
        var gone = world.Backups[0];
        var onlyItsOwn = gone.Packs.Select(p => p.Key).Except(world.Backups[1].OlderPacks.Select(p => p.Key)).ToArray();
        Assert.NotEmpty(onlyItsOwn);

        // Its entry goes, then its parts, while the first pack is read.
        var report = await world.VerifyAsync(wrap: store => new ExpiringStore(
            store, RepositoryLayout.AllPacksPrefix(world.Service.Name), [RepositoryLayout.Backup(world.Service.Name, BackupId.Parse(gone.Id)), gone.Manifest.Key, .. onlyItsOwn]));

        VerifyWorld.RequirePassed(report);
        Assert.True(report.Repositories[0].Unreferenced >= 1);
        VerifyWorld.RequirePassed(await world.VerifyAsync());
    }
}
