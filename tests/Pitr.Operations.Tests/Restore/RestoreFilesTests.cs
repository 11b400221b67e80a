using System.Text.RegularExpressions;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Backup;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Tests.Backup;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Restore;

public class RestoreFilesTests
{
    const string ControlFile = "global/pg_control";

    [Fact]
    public async Task A_damaged_pack_is_named_wherever_the_damage_is_and_no_control_file_is_written()
    {
        await using var scenario = await Scenario.StartAsync();
        var backup = await TakeAsync(scenario);
        var pack = backup.Packs[0];
        foreach (var position in new[] { 0, 8, 10, 16, 40, 104, pack.Size / 2, pack.Size - 1 })
        {
            scenario.Damage(pack.Key, atByte: position);

            var error = await Assert.ThrowsAnyAsync<Exception>(() => RestoreAsync(scenario, backup));

            Assert.True(error is DamagedRepositoryException or UnsupportedFormatException or KeyUnavailableException, $"byte {position}: {error}");
            Assert.True(error is KeyUnavailableException || error.Message.Contains(pack.Key, StringComparison.Ordinal), $"byte {position}: {error.Message}");
            Assert.False(File.Exists(Path.Combine(scenario["restored"], ControlFile)));
            scenario.Damage(pack.Key, atByte: position);
        }

        await RestoreAsync(scenario, backup);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(60)]
    [InlineData(-1)]
    public async Task A_truncated_pack_is_named(int length)
    {
        await using var scenario = await Scenario.StartAsync();
        var backup = await TakeAsync(scenario);
        var path = scenario.PathOf(backup.Packs[0].Key);
        var stored = File.ReadAllBytes(path);
        File.WriteAllBytes(path, stored[..(length < 0 ? stored.Length - 1 : length)]);

        var error = await Assert.ThrowsAsync<DamagedRepositoryException>(() => RestoreAsync(scenario, backup));

        Assert.Contains(backup.Packs[0].Key, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_pack_is_named()
    {
        await using var scenario = await Scenario.StartAsync();
        var backup = await TakeAsync(scenario);
        File.Delete(scenario.PathOf(backup.Packs[0].Key));

        var error = await Assert.ThrowsAsync<DamagedRepositoryException>(() => RestoreAsync(scenario, backup));

        Assert.Contains(backup.Packs[0].Key, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_pack_under_this_name_is_refused_even_when_its_records_lie_alike()
    {
        await using var scenario = await Scenario.StartAsync();
        var yesterday = await TakeAsync(scenario, seed: 1);
        var today = await TakeAsync(scenario, seed: 2, started: Scenario.Start.AddDays(1));
        Assert.Equal(yesterday.Packs[0].Size, today.Packs[0].Size);
        File.Copy(scenario.PathOf(yesterday.Packs[0].Key), scenario.PathOf(today.Packs[0].Key), overwrite: true);

        var error = await Assert.ThrowsAsync<DamagedRepositoryException>(() => RestoreAsync(scenario, today));

        Assert.Contains(today.Packs[0].Key, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_backups_manifest_under_this_name_is_refused()
    {
        await using var scenario = await Scenario.StartAsync();
        var yesterday = await TakeAsync(scenario);
        var today = await TakeAsync(scenario, started: Scenario.Start.AddDays(1));
        File.Copy(scenario.PathOf(yesterday.Manifest.Key), scenario.PathOf(today.Manifest.Key), overwrite: true);

        var error = await Assert.ThrowsAsync<DamagedRepositoryException>(() => RestoreAsync(scenario, today));

        Assert.Contains(today.Manifest.Key, error.Message, StringComparison.Ordinal);
        Assert.Contains(yesterday.Id, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_or_truncated_manifest_is_named()
    {
        await using var scenario = await Scenario.StartAsync();
        var backup = await TakeAsync(scenario);
        foreach (var position in new[] { 0, 8, 10, 40, 104, backup.Manifest.Size / 2, backup.Manifest.Size - 1 })
        {
            scenario.Damage(backup.Manifest.Key, atByte: position);
            var error = await Assert.ThrowsAnyAsync<Exception>(() => RestoreAsync(scenario, backup));
            Assert.True(error is DamagedRepositoryException or UnsupportedFormatException, $"byte {position}: {error}");
            Assert.True(error.Message.Contains(backup.Manifest.Key, StringComparison.Ordinal), $"byte {position}: {error.Message}");
            scenario.Damage(backup.Manifest.Key, atByte: position);
        }

        var path = scenario.PathOf(backup.Manifest.Key);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^20]);
        await Assert.ThrowsAsync<DamagedRepositoryException>(() => RestoreAsync(scenario, backup));
    }

    public static TheoryData<string, string, string> BadManifests => new()
    {
        { "record behind the pack's end", @"\[(\d+),0,0,104,(\d+),0\]", "[$1,0,0,104,999999999,0]" },
        { "record at a negative offset", @"\[(\d+),0,0,104,", "[$1,0,0,-104," },
        { "record in the header", @"\[(\d+),0,0,104,", "[$1,0,0,50," },
        { "offset that overflows", @"\[(\d+),0,0,104,", "[$1,0,0,9223372036854775807," },
        { "slice behind the record's end", @"\[(\d+),0,0,104,(\d+),0\]", "[$1,0,0,104,$2,250000000]" },
        { "negative slice", @"\[(\d+),0,0,104,(\d+),0\]", "[$1,0,0,104,$2,-1]" },
        { "no such record", @"\[(\d+),0,0,104,", "[$1,0,77,104," },
        { "no such pack", @"\[(\d+),0,0,104,", "[$1,9,0,104," },
        { "pack of an impossible size", @"(""type"":""pack"".*?""size"":)\d+", "${1}99999999999" },
        { "pack smaller than a header", @"(""type"":""pack"".*?""size"":)\d+", "${1}50" },
        { "pack of a negative size", @"(""type"":""pack"".*?""size"":)\d+", "${1}-5" },
        { "pack of no backup", @"(""type"":""pack"".*?""backup-id"":"")[^""]*", "${1}../../x" },
        { "size that is not the sum", @"(""path"":""global/1"".*?""size"":)\d+", "${1}7" },
        { "no end", @"\{""type"":""end"".*\n", "" },
        { "wrong count", @"(""type"":""end"".*""entries"":)\d+", "${1}2" },
        { "up and out", @"""path"":""global/1""", "\"path\":\"../outside\"" },
        { "up and out in the middle", @"""path"":""global/1""", "\"path\":\"global/../../outside\"" },
        { "absolute", @"""path"":""global/1""", "\"path\":\"/tmp/pitr-outside\"" },
        { "control character", @"""path"":""global/1""", "\"path\":\"global/\\u000a1\"" },
        { "empty", @"""path"":""global/1""", "\"path\":\"\"" },
    };

    [Theory]
    [MemberData(nameof(BadManifests))]
    public async Task A_manifest_that_makes_no_sense_is_damage_and_nothing_lands_outside(string what, string pattern, string replacement)
    {
        await using var scenario = await Scenario.StartAsync();
        var backup = await TakeAsync(scenario);
        await SyntheticBackup.RewriteManifestAsync(scenario.Service, backup, text => new Regex(pattern, RegexOptions.None, TimeSpan.FromSeconds(10)).Replace(text, replacement, 1));

        var error = await Assert.ThrowsAnyAsync<Exception>(() => RestoreAsync(scenario, backup));

        Assert.True(error is DamagedRepositoryException, $"{what}: {error}");
        Assert.False(File.Exists(Path.Combine(scenario["restored"], ControlFile)));
        Assert.False(File.Exists(scenario["outside"]));
        Assert.False(File.Exists("/tmp/pitr-outside"));
    }

    [Fact]
    public async Task A_manifest_without_a_control_file_is_no_whole_backup()
    {
        await using var scenario = await Scenario.StartAsync();
        var backup = await TakeAsync(scenario);
        await SyntheticBackup.RewriteManifestAsync(scenario.Service, backup, text => text.Replace(ControlFile, "global/pg_other", StringComparison.Ordinal));

        await Assert.ThrowsAsync<DamagedRepositoryException>(() => RestoreAsync(scenario, backup));
    }

    [Fact]
    public async Task A_link_is_refused()
    {
        await using var scenario = await Scenario.StartAsync();
        var backup = await TakeAsync(scenario);
        await SyntheticBackup.RewriteManifestAsync(scenario.Service, backup, text => string.Join('\n', text.Split('\n').Select(
            line => line.Contains("\"global/1\"", StringComparison.Ordinal)
                ? "{\"type\":\"link\",\"path\":\"global/1\",\"mode\":\"777\",\"modified\":\"2026-11-21T03:00:00Z\",\"target\":\"/etc\"}"
                : line)));

        var error = await Assert.ThrowsAsync<ImpossiblePlanException>(() => RestoreAsync(scenario, backup));

        Assert.Contains("/etc", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_newer_manifest_is_refused_as_such()
    {
        await using var scenario = await Scenario.StartAsync();
        var backup = await TakeAsync(scenario);
        await SyntheticBackup.RewriteManifestAsync(scenario.Service, backup, text => text.Replace("\"format\":1", "\"format\":2", StringComparison.Ordinal));

        await Assert.ThrowsAsync<UnsupportedFormatException>(() => RestoreAsync(scenario, backup));
    }

    [Fact]
    public async Task Files_come_from_the_second_repository_when_the_first_does_not_answer()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var backup = await TakeAsync(scenario);
        scenario.Stores[0].Inject(StoreFault.FailBefore(StoreOperation.Read).Repeated(int.MaxValue));

        await RestoreAsync(scenario, backup);
    }

    [Fact]
    public async Task A_pack_damaged_in_one_repository_is_taken_from_the_other()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var files = Files(1);
        var backup = await SyntheticBackup.TakeAsync(scenario.Service, SyntheticBackup.Tar(files));
        scenario.Damage(backup.Packs[0].Key, 1);

        await BackupRoundTripTests.RequireSameAsync(scenario, scenario.Service, backup, files);
    }

    [Fact]
    public async Task A_manifest_damaged_in_one_repository_is_taken_from_the_other()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var files = Files(1);
        var backup = await SyntheticBackup.TakeAsync(scenario.Service, SyntheticBackup.Tar(files));
        scenario.Damage(backup.Manifest.Key, 1);

        await BackupRoundTripTests.RequireSameAsync(scenario, scenario.Service, backup, files);
    }

    [Fact]
    public async Task An_interrupted_restore_can_be_repeated_into_the_same_directory()
    {
        await using var scenario = await Scenario.StartAsync();
        var files = Files(1);
        var backup = await SyntheticBackup.TakeAsync(scenario.Service, SyntheticBackup.Tar(files));
        scenario.Store.Inject(StoreFault.CutRead(10).On(k => k.Contains("/packs/", StringComparison.Ordinal)));

        await Assert.ThrowsAsync<StorageException>(() => RestoreAsync(scenario, backup));

        await BackupRoundTripTests.RequireSameAsync(scenario, scenario.Service, backup, files);
    }

    [Fact]
    public async Task Another_host_needs_nothing_but_the_repository_and_the_identity()
    {
        await using var scenario = await Scenario.StartAsync();
        var files = Files(1);
        var backup = await SyntheticBackup.TakeAsync(scenario.Service, SyntheticBackup.Tar(files));
        await using var other = scenario.Open("other-state");

        await BackupRoundTripTests.RequireSameAsync(scenario, other, backup, files);
    }

    [Fact]
    public async Task Progress_ends_at_the_whole()
    {
        await using var scenario = await Scenario.StartAsync();
        var backup = await TakeAsync(scenario);
        var told = new List<RestoreProgress>();

        await new RestoreFiles(scenario.Service).RestoreAsync(backup, RestoreDirectory.Prepare(scenario["restored"]), new Immediate(told), default);

        Assert.All(told, p => Assert.InRange(p.Bytes, 0, p.TotalBytes));
        Assert.Equal(backup.DatabaseBytes, told[^1].Bytes);
    }

    static SyntheticFile[] Files(int seed) => SyntheticBackup.Around(
        SyntheticFile.File("global/1", SyntheticFile.Noise(RecordDraft.Capacity, seed)), SyntheticFile.File("global/2", SyntheticFile.Noise(100, seed)));

    static Task<BackupDocument> TakeAsync(Scenario scenario, int seed = 1, DateTimeOffset? started = null) =>
        SyntheticBackup.TakeAsync(BackupRoundTripTests.Open(scenario, 1, 32 << 20), SyntheticBackup.Tar(Files(seed)), started);

    static Task RestoreAsync(Scenario scenario, BackupDocument backup) => BackupRoundTripTests.RestoreAsync(scenario.Service, backup, scenario["restored"]);

    sealed class Immediate(List<RestoreProgress> told) : IProgress<RestoreProgress>
    {
        public void Report(RestoreProgress value)
        {
            lock (told)
            {
                told.Add(value);
            }
        }
    }
}
