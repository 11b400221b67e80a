using System.Text.RegularExpressions;
using Pitr.Format.Catalog;
using Pitr.Format.Packs;
using Pitr.Operations.Backup;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Operations.Tests.Backup;

namespace Pitr.Operations.Tests.Restore;

/// <summary>Of a pack that is needed in a small part only, that part is read, and is as well authenticated as the whole would be.</summary>
public class PackPartsTests
{
    const int Files = 20;

    [Fact]
    public async Task Only_what_is_needed_is_read_and_neighbours_in_one_request()
    {
        await using var scenario = await Scenario.StartAsync();
        // 3 and 4 are neighbours, 6 is a small gap away, 15 is far.
        var (backup, files) = await TakeAsync(scenario, [3, 4, 6, 15]);
        var reads = await RequireSameAsync(scenario, backup, files);

        // The header, the label in the first record, 3 to 6, 15, and pg_control in the last.
        Assert.Equal(5, reads.Count);
        Assert.Equal(104, reads[0]!.Value.Length);
        Assert.InRange(reads[2]!.Value.Length, 4 * RecordDraft.Capacity, 6 * RecordDraft.Capacity);
        Assert.InRange(reads.Sum(r => r!.Value.Length), 5 * RecordDraft.Capacity, 9 * RecordDraft.Capacity);
    }

    [Fact]
    public async Task A_pack_that_is_needed_for_the_most_part_is_read_whole()
    {
        await using var scenario = await Scenario.StartAsync();
        var (backup, files) = await TakeAsync(scenario, [.. Enumerable.Range(0, 15)]);

        Assert.Null(Assert.Single(await RequireSameAsync(scenario, backup, files)));
    }

    [Fact]
    public async Task Without_its_salt_in_the_manifest_a_pack_is_read_whole()
    {
        await using var scenario = await Scenario.StartAsync();
        var (backup, files) = await TakeAsync(scenario, [3], withSalt: false);

        Assert.Null(Assert.Single(await RequireSameAsync(scenario, backup, files)));
    }

    [Fact]
    public async Task Another_pack_whose_records_lie_alike_is_refused()
    {
        await using var scenario = await Scenario.StartAsync();
        var (backup, _) = await TakeAsync(scenario, [3]);
        var (other, _) = await TakeAsync(scenario, [3], seed: 100, started: Scenario.Start.AddDays(1));
        Assert.Equal(backup.Packs[0].Size, other.Packs[0].Size);
        File.Copy(scenario.PathOf(other.Packs[0].Key), scenario.PathOf(backup.Packs[0].Key), overwrite: true);

        var error = await Assert.ThrowsAsync<DamagedRepositoryException>(() => BackupRoundTripTests.RestoreAsync(scenario.Service, backup, scenario["restored"]));

        Assert.Contains(backup.Packs[0].Key, error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(scenario["restored"], "global/pg_control")));
    }

    [Theory]
    [InlineData(40)]
    [InlineData(20)]
    [InlineData((3 * RecordDraft.Capacity) + 2000)]
    public async Task Damage_of_a_part_is_found_and_another_repository_helps(int position)
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var (backup, files) = await TakeAsync(scenario, [1, 3, 15]);
        scenario.Damage(backup.Packs[0].Key, 1, position);
        await RequireSameAsync(scenario, backup, files);

        scenario.Damage(backup.Packs[0].Key, 2, position);
        var error = await Assert.ThrowsAnyAsync<OperationException>(() => BackupRoundTripTests.RestoreAsync(scenario.Service, backup, scenario["again"]));
        Assert.Contains(backup.Packs[0].Key, error.Message, StringComparison.Ordinal);
    }

    // A backup of files of one record each, of which a later one needs a few only: their manifest lines are all that is left.
    static async Task<(BackupDocument Backup, SyntheticFile[] Files)> TakeAsync(
        Scenario scenario, int[] needed, bool withSalt = true, int seed = 0, DateTimeOffset? started = null)
    {
        var all = SyntheticBackup.Around([.. Enumerable.Range(0, Files).Select(n => SyntheticFile.File($"global/{n}", SyntheticFile.Noise(RecordDraft.Capacity, seed + n)))]);
        var backup = await SyntheticBackup.TakeAsync(BackupRoundTripTests.Open(scenario, 1, 64 << 20), SyntheticBackup.Tar(all), started);
        var unwanted = Enumerable.Range(0, Files).Except(needed).Select(n => $"global/{n}").ToHashSet();
        var pack = File.ReadAllBytes(scenario.PathOf(backup.Packs[0].Key));
        await SyntheticBackup.RewriteManifestAsync(scenario.Service, backup, text =>
        {
            var lines = text.Split('\n').Where(l => !unwanted.Contains(Match(l, "\"path\":\"([^\"]*)\""))).ToArray();
            text = string.Join('\n', lines).Replace($"\"entries\":{all.Length}", $"\"entries\":{needed.Length + 3}");
            return withSalt ? text : text.Replace($",\"salt\":\"{PackReader.SaltOf(pack)}\"", "");
        });
        return (backup, [.. all.Where(f => !unwanted.Contains(f.Path))]);
    }

    static string Match(string line, string pattern) => Regex.Match(line, pattern, RegexOptions.None, TimeSpan.FromSeconds(10)).Groups[1].Value;

    static async Task<List<Pitr.Storage.ByteRange?>> RequireSameAsync(Scenario scenario, BackupDocument backup, SyntheticFile[] files)
    {
        var recorders = new List<ReadRecorder>();
        await using PostgresService service = scenario.Open(wrap: store =>
        {
            var recorder = new ReadRecorder(store);
            recorders.Add(recorder);
            return recorder;
        });
        await BackupRoundTripTests.RequireSameAsync(scenario, service, backup, files);
        return [.. recorders.SelectMany(r => r.Reads).Where(r => r.Key == backup.Packs[0].Key).Select(r => r.Range)];
    }
}
