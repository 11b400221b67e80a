using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Repositories;

/// <summary>Objects into files and files into objects.</summary>
public class RepositoryFilesTests
{
    const string Segment = "000000010000000000000007";

    [Fact]
    public async Task A_sealed_object_comes_out_as_it_went_in_and_raw_as_it_is_stored()
    {
        await using var scenario = await Scenario.StartAsync();
        var content = await scenario.PushSegmentAsync(Segment);
        using var keys = Keys(scenario);
        var key = scenario.KeyOf(Segment);
        await new RepositoryDownload(scenario.Store, new ObjectOpener(keys)).ToFileAsync(key, scenario["opened"], default);
        await new RepositoryDownload(scenario.Store, opener: null).ToFileAsync(key, scenario["raw"], default);
        Assert.Equal(content, File.ReadAllBytes(scenario["opened"]));
        Assert.Equal(File.ReadAllBytes(scenario.PathOf(key)), File.ReadAllBytes(scenario["raw"]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    [InlineData(50)]
    [InlineData(90)]
    [InlineData(110)]
    [InlineData(-1)]
    public async Task A_damaged_object_never_appears_under_its_name(int damagedByte)
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Segment);
        var key = scenario.KeyOf(Segment);
        scenario.Damage(key, atByte: damagedByte < 0 ? new FileInfo(scenario.PathOf(key)).Length - 1 : damagedByte);
        File.WriteAllText(scenario["out"], "old");
        using var keys = Keys(scenario);
        await Assert.ThrowsAnyAsync<Exception>(() => new RepositoryDownload(scenario.Store, new ObjectOpener(keys)).ToFileAsync(key, scenario["out"], default));
        Assert.Equal("old", File.ReadAllText(scenario["out"]));
        Assert.Equal([scenario["out"]], Directory.GetFiles(scenario.Root, "out*"));
    }

    [Fact]
    public async Task Wal_under_the_name_of_other_wal_is_damage()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Segment);
        var wrong = scenario.KeyOf("000000010000000000000008");
        await scenario.Store.PutAsync(wrong, File.ReadAllBytes(scenario.PathOf(scenario.KeyOf(Segment))), PutMode.CreateNew, default);
        using var keys = Keys(scenario);
        var e = await Assert.ThrowsAsync<DamagedRepositoryException>(
            () => new RepositoryDownload(scenario.Store, new ObjectOpener(keys)).ToFileAsync(wrong, scenario["out"], default));
        Assert.Contains(wrong, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_read_that_breaks_off_leaves_no_file()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.Store.PutAsync("notes/a", new byte[100_000], PutMode.CreateNew, default);
        scenario.Store.Inject(StoreFault.CutRead(50_000));
        await Assert.ThrowsAsync<StorageException>(() => new RepositoryDownload(scenario.Store, opener: null).ToFileAsync("notes/a", scenario["out"], default));
        Assert.Empty(Directory.GetFiles(scenario.Root, "out*"));
    }

    [Fact]
    public async Task Without_a_key_nothing_sealed_is_opened_and_documents_are()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Segment);
        await using var service = scenario.Open("elsewhere", identity: null);
        using var keys = new RepositoryKeys(service.Configuration, [scenario.Store], scenario.Clock, askPassphrase: null);
        var download = new RepositoryDownload(scenario.Store, new ObjectOpener(keys));
        await Assert.ThrowsAsync<KeyUnavailableException>(() => download.ToFileAsync(scenario.KeyOf(Segment), scenario["out"], default));
        Assert.False(File.Exists(scenario["out"]));
        await download.ToFileAsync(RepositoryLayout.Repository, scenario["out"], default);
        Assert.Equal(File.ReadAllBytes(scenario.PathOf(RepositoryLayout.Repository)), File.ReadAllBytes(scenario["out"]));
    }

    [Fact]
    public async Task One_bad_object_does_not_stop_the_others_and_a_repository_out_of_reach_does()
    {
        await using var scenario = await Scenario.StartAsync();
        for (var i = 0; i < 20; i++)
        {
            await scenario.Store.PutAsync($"notes/{i % 3}/{i:D2}", new byte[i], PutMode.CreateNew, default);
        }

        var download = new RepositoryDownload(scenario.Store, opener: null);
        var batch = new ObjectBatch(4);
        scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Read, new ObjectNotFoundException("r1", "notes/1/07")).On(key => key == "notes/1/07"));
        await batch.RunAsync(download.BelowAsync("notes/", scenario["out"], default), t => t.Key, (t, token) => download.ToFileAsync(t.Key, t.Path, token), default);
        Assert.Equal((19L, 1L, 183L), (batch.Done, batch.Failed, batch.Bytes));
        Assert.Equal("notes/1/07", Assert.Single(batch.Failures).Key);
        Assert.Equal(19, Directory.GetFiles(scenario["out"], "*", SearchOption.AllDirectories).Length);

        scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Read).Repeated(int.MaxValue));
        await Assert.ThrowsAsync<StorageException>(() => new ObjectBatch(4).RunAsync(
            download.BelowAsync("notes/", scenario["out"], default), t => t.Key, (t, token) => download.ToFileAsync(t.Key, t.Path, token), default));
    }

    [Fact]
    public async Task A_put_takes_files_and_directories_and_leaves_what_is_there()
    {
        await using var scenario = await Scenario.StartAsync();
        Directory.CreateDirectory(scenario["in/sub"]);
        File.WriteAllText(scenario["in/a"], "a");
        File.WriteAllText(scenario["in/sub/b"], "bb");
        File.CreateSymbolicLink(scenario["in/loop"], scenario["in"]);
        var pairs = RepositoryUpload.Below("notes/", [scenario["in"], scenario["in/a"]]).ToArray();
        Assert.Equal(["notes/a", "notes/a", "notes/sub/b"], pairs.Select(pair => pair.Key).Order(StringComparer.Ordinal));
        var upload = new RepositoryUpload(scenario.Store);
        Assert.Equal(1, await upload.PutAsync(scenario["in/a"], "notes/a", PutMode.CreateNew, default));
        File.WriteAllText(scenario["in/a"], "other");
        await Assert.ThrowsAsync<ConflictException>(() => upload.PutAsync(scenario["in/a"], "notes/a", PutMode.CreateNew, default));
        await Assert.ThrowsAsync<ConflictException>(() => upload.TryOutAsync(scenario["in/a"], "notes/a", PutMode.CreateNew, default));
        Assert.Equal("a"u8.ToArray(), await scenario.Store.ReadAllAsync("notes/a", default));
        await upload.PutAsync(scenario["in/a"], "notes/a", PutMode.Replace, default);
        Assert.Equal("other"u8.ToArray(), await scenario.Store.ReadAllAsync("notes/a", default));
        await Assert.ThrowsAsync<RefusedInputException>(() => upload.PutAsync(scenario["in/none"], "notes/c", PutMode.CreateNew, default));
        await Assert.ThrowsAsync<RefusedInputException>(() => upload.PutAsync(scenario["in/a"], "notes//c", PutMode.CreateNew, default));
    }

    [Theory]
    [InlineData("repository.json", true, true)]
    [InlineData("keys/x", true, true)]
    [InlineData("services/main/keys/000102030405060708090a0b0c0d0e0f.json", true, true)]
    [InlineData("services/main/wal/00000002.history", true, false)]
    [InlineData("notes/services/a", false, false)]
    [InlineData("audit/20261121T031500.123Z-9f3c01aa9f3c01aa.began.json", true, true)]
    [InlineData("services/main/audit/20261121T031500.123Z-9f3c01aa9f3c01aa.json", true, true)]
    [InlineData("audit/notes", true, false)]
    public void Names_of_pitr_are_protected(string key, bool put, bool removal)
    {
        Assert.Equal(put, Record.Exception(() => ProtectedKeys.RefusePut(key)) is RefusedInputException);
        Assert.Equal(removal, Record.Exception(() => ProtectedKeys.RefuseRemoval(key)) is RefusedInputException);
    }

    [Fact]
    public async Task A_removal_finds_what_is_meant_and_refuses_what_is_vital_before_anything_is_gone()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Segment);
        await scenario.Store.PutAsync("notes/a", new byte[3], PutMode.CreateNew, default);
        await scenario.Store.PutAsync("notes/b", new byte[4], PutMode.CreateNew, default);
        var removal = new RepositoryRemoval(scenario.Store, force: false);
        Assert.Equal([("notes/a", 3L), ("notes/b", 4L)], await removal.FindAsync(["notes/"], default).ToArrayAsync());
        await Assert.ThrowsAsync<ObjectNotFoundException>(async () => await removal.FindAsync(["notes/c"], default).ToArrayAsync());
        await Assert.ThrowsAsync<RefusedInputException>(async () => await removal.FindAsync(["services/"], default).ToArrayAsync());
        Assert.NotEmpty(await new RepositoryRemoval(scenario.Store, force: true).FindAsync(["services/"], default).ToArrayAsync());
    }

    [Fact]
    public async Task Stats_count_by_service_and_kind()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Segment);
        await scenario.PutBackupAsync(Scenario.Start, 7, 7);
        await scenario.Store.PutAsync("notes/a", new byte[3], PutMode.CreateNew, default);
        var usage = await new RepositoryStats(scenario.Store).CountAsync(progress: null, default);
        Assert.Equal(
            [
                (null, RepositoryKeyKind.Other, 1), (null, RepositoryKeyKind.Repository, 1), (null, RepositoryKeyKind.DataKey, 1),
                ("main", RepositoryKeyKind.DataKey, 1), ("main", RepositoryKeyKind.Service, 1), ("main", RepositoryKeyKind.Wal, 1), ("main", RepositoryKeyKind.Backup, 1),
            ],
            usage.Select(u => (u.Service, u.Kind, (int)u.Objects)));
        Assert.Equal(3, usage[0].Bytes);
        Assert.Equal((await scenario.KeysAsync()).Count, usage.Sum(u => u.Objects));
    }

    static RepositoryKeys Keys(Scenario scenario) => new(scenario.Service.Configuration, [scenario.Store], scenario.Clock, askPassphrase: null);
}
