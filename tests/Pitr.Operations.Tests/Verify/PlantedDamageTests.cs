using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Operations.Services;
using Pitr.Operations.Tests.Archive.Verify;
using Pitr.Operations.Verify;
using Pitr.Storage;

namespace Pitr.Operations.Tests.Verify;

/// <summary>A service that is whole has no findings. Whatever is planted in one object of any kind is found, and the object named.</summary>
public class PlantedDamageTests
{
    // Those of a PostgreSQL cluster: `pitr verify` refuses services that are dumped.
    static readonly RepositoryKeyKind[] Kinds =
    [
        .. Enum.GetValues<RepositoryKeyKind>().Except(
            [RepositoryKeyKind.Other, RepositoryKeyKind.Dump, RepositoryKeyKind.DumpEntry, RepositoryKeyKind.DumpManifest, RepositoryKeyKind.DumpSums]),
    ];

    public static TheoryData<RepositoryKeyKind> AllKinds => [.. Kinds];

    [Fact]
    public async Task A_service_that_is_whole_has_no_findings_and_everything_is_counted()
    {
        await using var world = await VerifyWorld.StartAsync(repositories: 2);

        var report = await world.VerifyAnewAsync();

        VerifyWorld.RequirePassed(report);
        var packs = world.Backups.SelectMany(b => b.Packs).Count();
        var bytes = world.Backups.SelectMany(b => b.Packs).Sum(p => p.Size) + world.Backups.Sum(b => b.Manifest.Size);
        Assert.True(packs > 2);
        Assert.All(report.Repositories, r =>
        {
            // Each pack once, though the second backup uses those of the first.
            Assert.Equal((2, packs, (long)packs, 2L, 0L, 0L), (r.Backups, r.Packs, r.PacksRead, r.ManifestsRead, r.PacksFresh, r.Unreferenced));
            Assert.Equal((10L, 0L), (r.WalRead, r.WalFresh));
            Assert.True(r.BytesRead > bytes, $"{r.BytesRead} of {bytes}");
        });
        var kinds = (await world.Scenario.KeysAsync()).Select(key => RepositoryKey.Parse(key).Kind).ToHashSet();
        Assert.Equal(Kinds.Order(), kinds.Order());
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public async Task A_flipped_bit_is_found_wherever_it_is(RepositoryKeyKind kind)
    {
        await using var world = await VerifyWorld.StartAsync();
        var random = new Random((int)kind);
        var keys = (await world.Scenario.KeysAsync()).Where(key => RepositoryKey.Parse(key).Kind == kind).ToArray();
        Assert.NotEmpty(keys);
        foreach (var key in keys)
        {
            var path = world.Scenario.PathOf(key);
            var whole = await File.ReadAllBytesAsync(path);
            foreach (var at in new[] { 0, whole.Length - 1, random.Next(whole.Length), random.Next(whole.Length), random.Next(Math.Min(whole.Length, 104)) }.Distinct())
            {
                var bad = (byte[])whole.Clone();
                bad[at] ^= (byte)(1 << random.Next(8));
                await WriteAsync(path, bad);
                RequireFound(await world.VerifyAnewAsync(), key, $"byte {at} of {key}");
            }

            await WriteAsync(path, whole);
        }

        VerifyWorld.RequirePassed(await world.VerifyAnewAsync());
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public async Task What_is_cut_short_is_found(RepositoryKeyKind kind)
    {
        await using var world = await VerifyWorld.StartAsync();
        var key = (await world.Scenario.KeysAsync()).First(key => RepositoryKey.Parse(key).Kind == kind);
        var path = world.Scenario.PathOf(key);
        var whole = await File.ReadAllBytesAsync(path);
        foreach (var length in new[] { 0, whole.Length / 2, whole.Length - 2 })
        {
            await WriteAsync(path, whole[..length]);
            RequireFound(await world.VerifyAnewAsync(), key, $"{length} of {whole.Length} bytes of {key}");
        }
    }

    [Fact]
    public async Task What_is_missing_is_found()
    {
        await using var world = await VerifyWorld.StartAsync();
        var key = await world.Service.SealingKeys.GetAsync(default);
        foreach (var (gone, kind) in new[]
        {
            (world.SharedPack, FindingKind.Missing),
            (world.Backups[1].Packs[0].Key, FindingKind.Missing),
            (world.Backups[0].Manifest.Key, FindingKind.Missing),
            (RepositoryLayout.ServiceDocument(world.Service.Name), FindingKind.Missing),
            (RepositoryLayout.DataKey(key.Id), FindingKind.Missing),
            (RepositoryLayout.ServiceDataKey(world.Service.Name, key.Id), FindingKind.Missing),
            (world.Segment(2), FindingKind.Gap),
            (world.Segment(1), FindingKind.Gap),
        })
        {
            var path = world.Scenario.PathOf(gone);
            File.Move(path, world.Scenario["kept"]);
            var report = await world.VerifyAnewAsync();
            File.Move(world.Scenario["kept"], path);
            Assert.True(report.Findings.Any(f => f.Kind == kind && (gone.EndsWith(f.Object, StringComparison.Ordinal) || f.Kind == FindingKind.Gap)), $"{gone}: {string.Join("; ", report.Findings)}");
        }

        VerifyWorld.RequirePassed(await world.VerifyAnewAsync());
    }

    [Fact]
    public async Task A_data_key_of_which_both_documents_are_gone_is_lost()
    {
        await using var world = await VerifyWorld.StartAsync();
        var id = (await world.Service.SealingKeys.GetAsync(default)).Id;
        File.Delete(world.Scenario.PathOf(RepositoryLayout.DataKey(id)));
        File.Delete(world.Scenario.PathOf(RepositoryLayout.ServiceDataKey(world.Service.Name, id)));

        foreach (var report in new[] { await world.VerifyAnewAsync(), await world.VerifyAsync(state: "state") })
        {
            // The second is the host that made the key and still has it.
            var lost = Assert.Single(report.Findings, f => f.Object == RepositoryLayout.DataKey(id));
            Assert.Equal(FindingKind.NoKey, lost.Kind);
        }
    }

    [Theory]
    [InlineData(RepositoryKeyKind.Pack)]
    [InlineData(RepositoryKeyKind.Manifest)]
    [InlineData(RepositoryKeyKind.Backup)]
    [InlineData(RepositoryKeyKind.Wal)]
    [InlineData(RepositoryKeyKind.WalPiece)]
    public async Task Objects_in_each_others_place_are_found_both(RepositoryKeyKind kind)
    {
        await using var world = await VerifyWorld.StartAsync();
        var keys = (await world.Scenario.KeysAsync()).Where(key => RepositoryKey.Parse(key).Kind == kind).Take(2).ToArray();
        var (one, other) = (world.Scenario.PathOf(keys[0]), world.Scenario.PathOf(keys[1]));
        var content = await File.ReadAllBytesAsync(one);
        await WriteAsync(one, await File.ReadAllBytesAsync(other));
        await WriteAsync(other, content);

        var report = await world.VerifyAnewAsync();

        Assert.All(keys, key => RequireFound(report, key, key));
    }

    [Fact]
    public async Task A_pack_of_the_same_size_in_anothers_place_is_told_from_damage()
    {
        await using var world = await VerifyWorld.StartAsync();
        var (small, large) = (world.Backups.SelectMany(b => b.Packs).MinBy(p => p.Size)!, world.Backups.SelectMany(b => b.Packs).MaxBy(p => p.Size)!);
        await WriteAsync(world.Scenario.PathOf(small.Key), (await File.ReadAllBytesAsync(world.Scenario.PathOf(large.Key)))[..(int)small.Size]);

        var finding = Assert.Single((await world.VerifyAnewAsync()).Findings);

        Assert.Equal((FindingKind.WrongContent, small.Key), (finding.Kind, finding.Object));
    }

    [Fact]
    public async Task Another_clusters_segment_is_found_however_well_it_is_sealed()
    {
        await using var world = await VerifyWorld.StartAsync();
        await world.Scenario.ForgeAsync(world.Wal.Name(3), new WalStreamSample(34, 1, systemIdentifier: 42).Segment(0));

        Assert.Contains((await world.VerifyAnewAsync()).Findings, f => f.Kind == FindingKind.Foreign && f.Object == world.Segment(3));
    }

    [Fact]
    public async Task An_entry_that_says_something_else_than_its_sealed_manifest_is_found()
    {
        await using var world = await VerifyWorld.StartAsync();
        foreach (var changed in new[]
        {
            world.Backups[1] with { DatabaseBytes = world.Backups[1].DatabaseBytes + 1 },
            world.Backups[1] with { SystemIdentifier = "42" },
            world.Backups[1] with { OlderPacks = [.. world.Backups[1].OlderPacks.Skip(1)] },
            world.Backups[1] with { Packs = [.. world.Backups[1].Packs.Select(p => p with { Sha256 = new string('0', 64) })] },
            world.Backups[1] with { StartWal = world.Wal.Name(2) },
        })
        {
            // With a digest of its own: whoever can write to a repository can write such an entry.
            await world.PutEntryAsync(changed);
            RequireFound(await world.VerifyAnewAsync(), RepositoryLayout.Backup(world.Service.Name, BackupId.Parse(changed.Id)), changed.ToString());
        }
    }

    [Fact]
    public async Task What_one_repository_lacks_or_has_otherwise_is_found_there()
    {
        await using var world = await VerifyWorld.StartAsync(repositories: 2);
        var entry = RepositoryLayout.Backup(world.Service.Name, BackupId.Parse(world.Backups[0].Id));
        await world.Scenario.Stores[1].PutAsync(entry, (world.Backups[0] with { Host = "there" }).ToJson(), PutMode.Replace, default);
        var finding = Assert.Single((await world.VerifyAnewAsync()).Findings);
        Assert.Equal((FindingKind.Differs, entry), (finding.Kind, finding.Object));

        await world.Scenario.Stores[1].DeleteAsync(entry, default);
        finding = Assert.Single((await world.VerifyAnewAsync()).Findings);
        Assert.Equal((FindingKind.Missing, "r2", entry), (finding.Kind, finding.Repository, finding.Object));

        var state = $"state-{Guid.NewGuid():N}";
        new DebtLedger(DebtLedger.DirectoryBelow(Path.Combine(world.Scenario[state], "services", Scenario.ServiceName))).Owe("r2", entry);
        VerifyWorld.RequirePassed(await world.VerifyAsync(state: state));
    }

    static void RequireFound(VerifyReport report, string key, string what)
    {
        Assert.False(report.Passed, what);
        Assert.True(report.Findings.Any(f => f.Object == key), $"{what}: {string.Join("; ", report.Findings)}");
    }

    static async Task WriteAsync(string path, byte[] content)
    {
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllBytesAsync(path, content);
    }
}
