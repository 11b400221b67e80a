using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Archive;

public class ArchiveGetTests
{
    const string Name = "000000010000000000000003";
    const string Next = "000000010000000000000004";

    static readonly TimeSpan Once = TimeSpan.Zero;

    [Fact]
    public async Task What_was_pushed_is_put_in_place()
    {
        await using var scenario = await Scenario.StartAsync();
        var content = await scenario.PushSegmentAsync(Name);

        Assert.Equal(ArchiveGetResult.Found, await GetAsync(scenario));

        Assert.Equal(content, File.ReadAllBytes(scenario["RECOVERYXLOG"]));
        Assert.Empty(Leftovers(scenario));
    }

    [Fact]
    public async Task A_file_that_is_in_place_already_is_replaced()
    {
        await using var scenario = await Scenario.StartAsync();
        var content = await scenario.PushSegmentAsync(Name);
        File.WriteAllText(scenario["RECOVERYXLOG"], "the segment before");

        Assert.Equal(ArchiveGetResult.Found, await GetAsync(scenario));

        Assert.Equal(content, File.ReadAllBytes(scenario["RECOVERYXLOG"]));
    }

    [Fact]
    public async Task What_no_repository_has_is_proven_absent()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);

        Assert.Equal(ArchiveGetResult.ProvenAbsent, await GetAsync(scenario));
        Assert.False(File.Exists(scenario["RECOVERYXLOG"]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Absent_in_one_repository_and_unanswered_in_the_other_is_unknown(int failing)
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        scenario.Stores[failing].Inject(StoreFault.FailBefore(StoreOperation.Read).Repeated(int.MaxValue));

        await Assert.ThrowsAsync<StorageException>(() => GetAsync(scenario));
        Assert.False(File.Exists(scenario["RECOVERYXLOG"]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task An_empty_directory_where_a_repository_should_be_proves_nothing(int unmounted)
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        File.Delete(scenario.PathOf(Pitr.Format.Layout.RepositoryLayout.Repository, unmounted));

        await Assert.ThrowsAsync<RepositoryUnavailableException>(() => GetAsync(scenario));

        Directory.Delete(scenario[$"repository-{unmounted}"], recursive: true);
        await Assert.ThrowsAsync<StorageException>(() => GetAsync(scenario));
    }

    [Fact]
    public async Task What_one_repository_has_is_found_though_the_other_fails()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        await scenario.PushSegmentAsync(Name);
        scenario.Stores[0].Inject(StoreFault.FailBefore(StoreOperation.Read).Repeated(int.MaxValue));

        Assert.Equal(ArchiveGetResult.Found, await GetAsync(scenario));
    }

    [Fact]
    public async Task What_only_the_second_repository_has_is_found()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        await scenario.PushSegmentAsync(Name);
        File.Delete(scenario.PathOf(scenario.KeyOf(Name), 1));

        Assert.Equal(ArchiveGetResult.Found, await GetAsync(scenario));
    }

    [Fact]
    public async Task However_one_copy_is_damaged_the_good_one_is_taken()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var content = await scenario.PushSegmentAsync(Name);
        var path = scenario.PathOf(scenario.KeyOf(Name));
        var stored = File.ReadAllBytes(path);
        // Every byte of the header, some behind it, the last one.
        foreach (var position in Enumerable.Range(0, SealedObjectHeader.Size + 40).Append(stored.Length / 2).Append(stored.Length - 1))
        {
            var damaged = stored.ToArray();
            damaged[position] ^= 0x41;
            File.WriteAllBytes(path, damaged);

            Assert.Equal(ArchiveGetResult.Found, await GetAsync(scenario));
            Assert.True(content.AsSpan().SequenceEqual(File.ReadAllBytes(scenario["RECOVERYXLOG"])), $"byte {position}");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    [InlineData(104)]
    [InlineData(-1)]
    public async Task A_truncated_copy_is_damaged_and_nothing_comes_of_it(int length)
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name);
        var path = scenario.PathOf(scenario.KeyOf(Name));
        var stored = File.ReadAllBytes(path);
        File.WriteAllBytes(path, stored[..(length < 0 ? stored.Length - 1 : length)]);

        var error = await Assert.ThrowsAsync<DamagedRepositoryException>(() => GetAsync(scenario));

        Assert.Contains(scenario.KeyOf(Name), error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(scenario["RECOVERYXLOG"]));
        Assert.Empty(Leftovers(scenario));
    }

    [Fact]
    public async Task A_copy_with_something_behind_its_end_is_damaged()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name);
        File.AppendAllText(scenario.PathOf(scenario.KeyOf(Name)), "x");

        await Assert.ThrowsAsync<DamagedRepositoryException>(() => GetAsync(scenario));
    }

    [Theory]
    [InlineData(Name, Next)]
    [InlineData("00000002.history", "00000003.history")]
    [InlineData(Name, "00000002.history")]
    [InlineData("00000002.history", Name)]
    public async Task Another_object_under_this_key_is_refused(string asked, string given)
    {
        await using var scenario = await Scenario.StartAsync();
        foreach (var name in new[] { asked, given })
        {
            if (name.EndsWith(".history", StringComparison.Ordinal))
            {
                await scenario.PushTextAsync(name, WalSample.History((1, new Lsn(0x300000))));
            }
            else
            {
                await scenario.PushSegmentAsync(name);
            }
        }

        File.Copy(scenario.PathOf(scenario.KeyOf(given)), scenario.PathOf(scenario.KeyOf(asked)), overwrite: true);

        await Assert.ThrowsAsync<DamagedRepositoryException>(() => GetAsync(scenario, asked));
        Assert.False(File.Exists(scenario["RECOVERYXLOG"]));
    }

    [Fact]
    public async Task The_same_name_on_another_timeline_is_refused_though_its_content_is_alike()
    {
        await using var scenario = await Scenario.StartAsync();
        const string Promoted = "000000020000000000000003";
        await scenario.PushSegmentAsync(Name);
        await scenario.Push.PushAsync(scenario.Write(Promoted, WalSample.Segment(Promoted, seed: 2, timeline: 1)), default);
        File.Copy(scenario.PathOf(scenario.KeyOf(Name)), scenario.PathOf(scenario.KeyOf(Promoted)), overwrite: true);

        await Assert.ThrowsAsync<DamagedRepositoryException>(() => GetAsync(scenario, Promoted));
    }

    [Fact]
    public async Task A_sealed_object_of_another_kind_is_refused()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name);
        var key = await scenario.Service.SealingKeys.GetAsync(default);
        var manifest = SealedObject.Seal("not WAL"u8, key, SealedObjectHeader.Create(SealedObjectKind.Manifest, SealedObjectCodec.Zstd, key.Id));
        File.WriteAllBytes(scenario.PathOf(scenario.KeyOf(Name)), manifest);

        await Assert.ThrowsAsync<DamagedRepositoryException>(() => GetAsync(scenario));
    }

    [Fact]
    public async Task An_announced_length_that_no_segment_has_is_refused_without_taking_the_memory()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name);
        var path = scenario.PathOf(scenario.KeyOf(Name));
        var stored = File.ReadAllBytes(path);
        System.Buffers.Binary.BinaryPrimitives.WriteInt64LittleEndian(stored.AsSpan(80), long.MaxValue);
        File.WriteAllBytes(path, stored);

        await Assert.ThrowsAsync<DamagedRepositoryException>(() => GetAsync(scenario));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(60)]
    [InlineData(5000)]
    public async Task A_transfer_that_breaks_off_is_unknown_and_leaves_the_destination_alone(int afterBytes)
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name);
        File.WriteAllText(scenario["RECOVERYXLOG"], "as it was");
        scenario.Store.Inject(StoreFault.CutRead(afterBytes).On(k => k == scenario.KeyOf(Name)));

        await Assert.ThrowsAsync<StorageException>(() => GetAsync(scenario));

        Assert.Equal("as it was", File.ReadAllText(scenario["RECOVERYXLOG"]));
        Assert.Empty(Leftovers(scenario));
    }

    [Fact]
    public async Task An_unknown_answer_is_asked_again_until_there_is_one()
    {
        await using var scenario = await Scenario.StartAsync(skipsWaits: true);
        await scenario.PushSegmentAsync(Name);
        scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Read).On(k => k == scenario.KeyOf(Name)).Repeated(5));

        Assert.Equal(ArchiveGetResult.Found, await GetAsync(scenario, deadline: TimeSpan.FromMinutes(5)));
        Assert.Equal(6, scenario.Store.Calls.Count(c => c == new StoreCall(StoreOperation.Read, scenario.KeyOf(Name))));
    }

    [Fact]
    public async Task An_absence_that_another_repository_leaves_open_is_asked_again()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, skipsWaits: true);
        scenario.Stores[1].Inject(StoreFault.FailBefore(StoreOperation.Read).On(k => k == scenario.KeyOf(Name)).Repeated(3));

        Assert.Equal(ArchiveGetResult.ProvenAbsent, await GetAsync(scenario, deadline: TimeSpan.FromMinutes(5)));
    }

    [Fact]
    public async Task Asking_ends_at_the_deadline()
    {
        await using var scenario = await Scenario.StartAsync(skipsWaits: true);
        scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Read).Repeated(int.MaxValue));

        await Assert.ThrowsAsync<StorageException>(() => GetAsync(scenario, deadline: TimeSpan.FromMinutes(5)));

        Assert.InRange(scenario.Clock.GetUtcNow() - Scenario.Start, TimeSpan.FromMinutes(4.7), TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task A_repository_that_never_answers_is_unknown_at_the_deadline()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name);
        var stuck = scenario.Store.Inject(StoreFault.Hold(StoreOperation.Read).On(k => k == scenario.KeyOf(Name)));

        var getting = GetAsync(scenario, deadline: TimeSpan.FromMinutes(5));
        await stuck.Reached;
        scenario.Clock.Advance(TimeSpan.FromMinutes(6));

        await Assert.ThrowsAsync<RepositoryUnavailableException>(() => getting);
    }

    [Theory]
    [InlineData(50)]
    [InlineData(5000)]
    public async Task A_repository_that_stops_in_the_middle_of_an_object_is_unknown_at_the_deadline(int afterBytes)
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name);
        var stalled = scenario.Store.Inject(StoreFault.StallRead(afterBytes).On(k => k == scenario.KeyOf(Name)));

        var getting = GetAsync(scenario, deadline: TimeSpan.FromMinutes(5));
        await stalled.Reached;
        scenario.Clock.Advance(TimeSpan.FromMinutes(6));

        await Assert.ThrowsAsync<RepositoryUnavailableException>(() => getting);
        Assert.False(File.Exists(scenario["RECOVERYXLOG"]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_damaged_copy_is_no_answer_while_another_repository_may_have_a_good_one(int damaged)
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, skipsWaits: true);
        await scenario.PushSegmentAsync(Name);
        scenario.Damage(scenario.KeyOf(Name), damaged + 1);
        scenario.Stores[1 - damaged].Inject(StoreFault.FailBefore(StoreOperation.Read).On(k => k == scenario.KeyOf(Name)).Repeated(4));

        Assert.Equal(ArchiveGetResult.Found, await GetAsync(scenario, deadline: TimeSpan.FromMinutes(5)));
    }

    [Fact]
    public async Task Damage_is_not_asked_for_again()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name);
        scenario.Damage(scenario.KeyOf(Name));

        await Assert.ThrowsAsync<DamagedRepositoryException>(() => GetAsync(scenario, deadline: TimeSpan.FromMinutes(5)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_abandoned_request_creates_nothing(bool holdAfter)
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name);
        var slow = scenario.Store.Inject((holdAfter ? StoreFault.HoldAfter(StoreOperation.Read) : StoreFault.Hold(StoreOperation.Read)).On(k => k == scenario.KeyOf(Name)));
        using var cancellation = new CancellationTokenSource();

        var getting = scenario.Get.GetAsync(WalFileName.Parse(Name), scenario["RECOVERYXLOG"], TimeSpan.FromMinutes(5), cancellation.Token);
        await slow.Reached;
        await cancellation.CancelAsync();
        slow.Release();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => getting);
        Assert.False(File.Exists(scenario["RECOVERYXLOG"]));
        Assert.Empty(Leftovers(scenario));
    }

    [Fact]
    public async Task A_destination_that_cannot_be_written_is_named()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name);
        var missing = Path.Combine(scenario["no-such-directory"], "RECOVERYXLOG");

        var error = await Assert.ThrowsAsync<RefusedInputException>(() => scenario.Get.GetAsync(WalFileName.Parse(Name), missing, Once, default));

        Assert.Contains(missing, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_key_the_answer_is_unknown_not_absent()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name);
        await using var stranger = scenario.Open("other-state", identity: null);

        await Assert.ThrowsAsync<KeyUnavailableException>(() => new ArchiveGet(stranger).GetAsync(WalFileName.Parse(Name), scenario["RECOVERYXLOG"], Once, default));
    }

    static Task<ArchiveGetResult> GetAsync(Scenario scenario, string name = Name, TimeSpan deadline = default) =>
        scenario.Get.GetAsync(WalFileName.Parse(name), scenario["RECOVERYXLOG"], deadline, default);

    static string[] Leftovers(Scenario scenario) => Directory.GetFiles(scenario.Root, "RECOVERYXLOG.pitr*");
}
