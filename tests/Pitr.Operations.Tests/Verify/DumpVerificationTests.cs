using System.Security.Cryptography;
using System.Text;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Tests.Dumps;
using Pitr.Operations.Verify;
using Pitr.Storage;

namespace Pitr.Operations.Tests.Verify;

/// <summary>A service whose backups are dumps, and which is whole, has no findings. Whatever is planted in one object of any kind is found, and the object named.</summary>
public sealed class DumpVerificationTests
{
    static readonly RepositoryKeyKind[] Kinds =
    [
        RepositoryKeyKind.Repository, RepositoryKeyKind.DataKey, RepositoryKeyKind.Service, RepositoryKeyKind.Dump, RepositoryKeyKind.DumpEntry, RepositoryKeyKind.DumpManifest,
        RepositoryKeyKind.DumpSums, RepositoryKeyKind.Audit,
    ];

    public static TheoryData<RepositoryKeyKind> AllKinds => [.. Kinds];

    static async Task<DumpWorld> StartAsync(int repositories = 1)
    {
        var world = await DumpWorld.StartAsync(repositories);
        await world.DumpAsync();
        await world.DumpAsync(parts: 2);
        await world.WidenAsync();
        return world;
    }

    [Fact]
    public async Task A_service_that_is_whole_has_no_findings_and_everything_is_counted()
    {
        await using var world = await StartAsync(repositories: 2);
        var report = await world.VerifyAnewAsync();
        RequirePassed(report);
        var parts = world.Dumps.Sum(d => d.Parts.Count);
        Assert.True(parts >= 6, $"{parts} parts");
        Assert.All(report.Repositories, r => Assert.Equal((2, parts, (long)parts, 2L, 0L, 0L, 0L), (r.Backups, r.Packs, r.PacksRead, r.ManifestsRead, r.PacksFresh, r.Unreferenced, r.Unknown)));
        var kinds = (await world.Scenario.KeysAsync()).Select(key => RepositoryKey.Parse(key).Kind).ToHashSet();
        Assert.Equal(Kinds.Order(), kinds.Order());
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public async Task A_flipped_bit_is_found_wherever_it_is(RepositoryKeyKind kind)
    {
        await using var world = await StartAsync();
        var random = new Random((int)kind);
        foreach (var key in (await KeysOfAsync(world, kind)).Take(4))
        {
            var whole = world.Read(key);
            foreach (var at in new[] { 0, whole.Length - 1, random.Next(whole.Length), random.Next(whole.Length), random.Next(Math.Min(whole.Length, 104)) }.Distinct())
            {
                var bad = (byte[])whole.Clone();
                bad[at] ^= (byte)(1 << random.Next(8));
                await WriteAsync(world, key, bad);
                RequireFound(await world.VerifyAnewAsync(), key, $"byte {at} of {key}");
            }

            await WriteAsync(world, key, whole);
        }

        RequirePassed(await world.VerifyAnewAsync());
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public async Task What_is_cut_short_or_goes_on_is_found(RepositoryKeyKind kind)
    {
        await using var world = await StartAsync();
        var key = (await KeysOfAsync(world, kind))[0];
        var whole = world.Read(key);
        foreach (var bad in new[] { [], whole[..(whole.Length / 2)], whole[..^2], [.. whole, .. "more"u8] })
        {
            await WriteAsync(world, key, bad);
            RequireFound(await world.VerifyAnewAsync(), key, $"{bad.Length} of {whole.Length} bytes of {key}");
        }
    }

    [Fact]
    public async Task What_is_missing_is_found()
    {
        await using var world = await StartAsync();
        var key = await world.Open().SealingKeys.GetAsync(default);
        foreach (var gone in world.Dumps[0].Parts.Select(p => p.Key).Append(world.Dumps[0].Manifest.Key).Append(world.Dumps[0].Sums.Key)
            .Append(RepositoryLayout.ServiceDocument(ServiceName.Parse(Scenario.ServiceName))).Append(RepositoryLayout.DataKey(key.Id)))
        {
            var path = world.Scenario.PathOf(gone);
            File.Move(path, world.Scenario["kept"]);
            var report = await world.VerifyAnewAsync();
            File.Move(world.Scenario["kept"], path);
            Assert.True(report.Findings.Any(f => f.Kind == FindingKind.Missing && f.Object == gone), $"{gone}: {string.Join("; ", report.Findings)}");
        }

        RequirePassed(await world.VerifyAnewAsync());
    }

    [Fact]
    public async Task Parts_in_each_others_place_are_found_both()
    {
        await using var world = await StartAsync();
        var within = (world.Dumps[0].Parts[0].Key, world.Dumps[0].Parts[1].Key);
        var between = (world.Dumps[0].Parts[0].Key, world.Dumps[1].Parts[0].Key);
        var manifests = (world.Dumps[0].Manifest.Key, world.Dumps[1].Manifest.Key);
        var sums = (world.Dumps[0].Sums.Key, world.Dumps[1].Sums.Key);
        var entries = (DumpWorld.Entry(world.Dumps[0]), DumpWorld.Entry(world.Dumps[1]));
        foreach (var (one, other) in new[] { within, between, manifests, sums, entries })
        {
            var (first, second) = (world.Read(one), world.Read(other));
            await WriteAsync(world, one, second);
            await WriteAsync(world, other, first);
            var report = await world.VerifyAnewAsync();
            RequireFound(report, one, one);
            RequireFound(report, other, other);
            await WriteAsync(world, one, first);
            await WriteAsync(world, other, second);
        }

        RequirePassed(await world.VerifyAnewAsync());
    }

    [Fact]
    public async Task A_part_too_many_is_found_and_what_no_entry_names_is_counted()
    {
        await using var world = await StartAsync();
        var service = ServiceName.Parse(Scenario.ServiceName);
        var extra = RepositoryLayout.DumpPart(service, BackupId.Parse(world.Dumps[0].Id), 99);
        await world.PutAsync(extra, world.Read(world.Dumps[1].Parts[0].Key));
        RequireFound(await world.VerifyAnewAsync(), extra, "a part too many");
        File.Delete(world.Scenario.PathOf(extra));

        await world.PutAsync(RepositoryLayout.DumpPart(service, BackupId.Parse("20261120T000000Z"), 0), new byte[100]);
        await world.PutAsync($"{RepositoryLayout.DumpsPrefix(service)}strange", new byte[10]);
        var report = await world.VerifyAnewAsync();
        RequirePassed(report);
        Assert.Equal((1L, 100L, 1L), (report.Repositories[0].Unreferenced, report.Repositories[0].UnreferencedBytes, report.Repositories[0].Unknown));
    }

    [Fact]
    public async Task An_entry_that_says_something_else_than_what_is_sealed_is_found_though_its_digest_is_right()
    {
        await using var world = await StartAsync();
        var dump = world.Dumps[0];
        var stream = dump.Streams[0];
        var other = new string('0', 64);
        foreach (var changed in new[]
        {
            dump with { Kind = "mysql" },
            dump with { Product = "MariaDB" },
            dump with { ServerVersion = "2.0" },
            dump with { Bytes = dump.Bytes + 1 },
            dump with { StoredBytes = 1 },
            dump with { DataKeys = [] },
            dump with { Streams = [stream with { Sha256 = other }, .. dump.Streams.Skip(1)] },
            dump with { Streams = [stream with { Name = "others" }, .. dump.Streams.Skip(1)] },
            dump with { Streams = [stream with { Properties = new Dictionary<string, string> { ["encoding"] = "UTF8" } }, .. dump.Streams.Skip(1)] },
            dump with { Streams = [stream with { Bytes = stream.Bytes - 1 }, dump.Streams[1] with { Bytes = dump.Streams[1].Bytes + 1 }] },
            dump with { Parts = [dump.Parts[1], dump.Parts[0], .. dump.Parts.Skip(2)] },
            dump with { Parts = [dump.Parts[0] with { Sha256 = other }, .. dump.Parts.Skip(1)] },
            dump with { Manifest = dump.Manifest with { Key = world.Dumps[1].Manifest.Key } },
            dump with { Sums = dump.Sums with { Sha256 = other } },
        })
        {
            await world.PutAsync(DumpWorld.Entry(dump), changed.ToJson());
            Assert.False((await world.VerifyAnewAsync()).Passed, changed.ToString());
        }

        await world.PutAsync(DumpWorld.Entry(dump), ((DumpDocument)dump.WithPin("audit", null)).ToJson());
        RequirePassed(await world.VerifyAnewAsync());
    }

    [Fact]
    public async Task Digests_that_were_changed_together_with_the_entry_are_found()
    {
        await using var world = await StartAsync();
        var dump = world.Dumps[0];
        var text = Encoding.UTF8.GetString(world.Read(dump.Sums.Key)).Replace(dump.Parts[0].Sha256, dump.Parts[1].Sha256, StringComparison.Ordinal);
        var bytes = Encoding.UTF8.GetBytes(text);
        await world.PutAsync(dump.Sums.Key, bytes);
        await world.PutAsync(DumpWorld.Entry(dump), (dump with { Sums = dump.Sums with { Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)) } }).ToJson());
        RequireFound(await world.VerifyAnewAsync(), dump.Sums.Key, "SHA256SUMS");
    }

    [Fact]
    public async Task What_one_repository_lacks_or_has_otherwise_is_found_there()
    {
        await using var world = await StartAsync(repositories: 2);
        var entry = DumpWorld.Entry(world.Dumps[0]);
        await world.PutAsync(entry, (world.Dumps[0] with { Host = "there" }).ToJson(), repository: 2);
        Assert.Equal((FindingKind.Differs, entry), Assert.Single((await world.VerifyAnewAsync()).Findings) is var f ? (f.Kind, f.Object) : default);
        File.Delete(world.Scenario.PathOf(entry, 2));
        Assert.Contains((await world.VerifyAnewAsync()).Findings, f => (f.Kind, f.Repository, f.Object) == (FindingKind.Missing, "r2", entry));
    }

    [Fact]
    public async Task What_was_read_is_remembered_and_what_changed_is_read_again()
    {
        await using var world = await StartAsync();
        var parts = world.Dumps.Sum(d => d.Parts.Count);
        Assert.Equal(parts, (await world.VerifyAsync()).Repositories[0].PacksRead);
        var again = (await world.VerifyAsync()).Repositories[0];
        Assert.Equal((0L, 0L, parts), (again.PacksRead, again.ManifestsRead, (int)again.PacksFresh));

        // Same size, another time: so it is read, and found.
        var key = world.Dumps[0].Parts[1].Key;
        var whole = world.Read(key);
        var bad = (byte[])whole.Clone();
        bad[^1] ^= 1;
        await WriteAsync(world, key, bad);
        RequireFound(await world.VerifyAsync(), key, "changed");
        RequireFound(await world.VerifyAsync(), key, "a finding is not remembered");
        await WriteAsync(world, key, whole);
        RequirePassed(await world.VerifyAsync());

        world.Scenario.Clock.Advance(TimeSpan.FromDays(31));
        Assert.Equal(parts, (await world.VerifyAsync()).Repositories[0].PacksRead);
    }

    [Fact]
    public async Task A_sample_reads_some_parts_and_since_those_of_later_dumps_and_all_is_read_in_the_end()
    {
        await using var world = await StartAsync();
        var parts = world.Dumps.Sum(d => d.Parts.Count);
        Assert.Equal(2, (await world.VerifyAsync(o => o with { Sample = 2 })).Repositories[0].PacksRead);
        Assert.Equal(parts - 2, (await world.VerifyAsync(o => o with { Sample = parts })).Repositories[0].PacksRead);
        // Each part was right by itself; that they are the stream nobody has seen.
        Assert.InRange((await world.VerifyAsync()).Repositories[0].PacksRead, 2, parts);
        Assert.Equal(0, (await world.VerifyAsync()).Repositories[0].PacksRead);
        Assert.Equal(world.Dumps[1].Parts.Count, (await world.VerifyAsync(o => o with { All = true, SinceTime = world.Dumps[1].Finished })).Repositories[0].PacksRead);
        File.Delete(world.Scenario.PathOf(world.Dumps[0].Parts[0].Key));
        RequireFound(await world.VerifyAsync(o => o with { SinceTime = world.Dumps[1].Finished }), world.Dumps[0].Parts[0].Key, "what is missing is looked at in full");
    }

    [Fact]
    public async Task A_service_with_nothing_stored_is_told_from_one_that_is_whole()
    {
        await using var world = await DumpWorld.StartAsync();
        await Assert.ThrowsAsync<ImpossiblePlanException>(() => world.VerifyAnewAsync());
    }

    static async Task<string[]> KeysOfAsync(DumpWorld world, RepositoryKeyKind kind)
    {
        var keys = (await world.Scenario.KeysAsync()).Where(key => RepositoryKey.Parse(key).Kind == kind).ToArray();
        Assert.NotEmpty(keys);
        return keys;
    }

    static async Task WriteAsync(DumpWorld world, string key, byte[] content)
    {
        var path = world.Scenario.PathOf(key);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllBytesAsync(path, content);
    }

    static void RequirePassed(VerifyReport report) => VerifyWorld.RequirePassed(report);

    static void RequireFound(VerifyReport report, string key, string what)
    {
        Assert.False(report.Passed, what);
        Assert.True(report.Findings.Any(f => f.Object == key), $"{what}: {string.Join("; ", report.Findings)}");
    }
}
