using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Repositories;

public class RepositoryCopyTests
{
    [Theory]
    [InlineData("identity")]
    [InlineData(null)]
    public async Task A_copy_holds_everything_but_locks_and_repeating_it_copies_nothing(string? identity)
    {
        await using var scenario = await CopyScenario.StartAsync();
        var report = await scenario.CopyAsync(identity: identity);
        await scenario.RequireWholeAsync();
        var objects = (await scenario.ExpectedAsync()).Length - 1;
        Assert.Equal((objects, 0L, 0L), (report.Copied, report.Present, report.Failed));
        Assert.Equal([$"main/{scenario.Newer.Id}", $"main/{scenario.Older.Id}"], report.Backups);
        Assert.Equal(identity is null, report.Unauthenticated > 0);

        var again = await scenario.CopyAsync(identity: identity);
        Assert.Equal((0L, objects, 0L), (again.Copied, again.Present, again.Failed));
        Assert.Empty(again.Backups);
    }

    [Fact]
    public async Task A_dry_run_says_what_the_copy_does_and_changes_nothing()
    {
        await using var scenario = await CopyScenario.StartAsync();
        await scenario.To.DeleteAsync(RepositoryLayout.Repository, default);
        var planned = await scenario.CopyAsync(new RepositoryCopyOptions { DryRun = true, Initialise = true });
        Assert.Null(planned.DestinationId);
        Assert.Empty(await scenario.World.KeysAsync(2));
        var done = await scenario.CopyAsync(new RepositoryCopyOptions { Initialise = true });
        Assert.Equal((planned.Copied, planned.CopiedBytes, planned.Present), (done.Copied, done.CopiedBytes, done.Present));
        Assert.Equal(planned.Backups, done.Backups);
        await scenario.RequireWholeAsync();
    }

    [Fact]
    public async Task A_place_that_is_no_repository_is_refused_unless_it_shall_become_one()
    {
        await using var scenario = await CopyScenario.StartAsync();
        await scenario.To.DeleteAsync(RepositoryLayout.Repository, default);
        var e = await Assert.ThrowsAsync<RepositoryUnavailableException>(() => scenario.CopyAsync());
        Assert.Contains("--init", e.Hint, StringComparison.Ordinal);
        Assert.Empty(await scenario.World.KeysAsync(2));
        var report = await scenario.CopyAsync(new RepositoryCopyOptions { Initialise = true });
        Assert.True(report.Initialised);
        Assert.NotEqual(RepositoryDocument.Parse(await scenario.From.ReadAllAsync(RepositoryLayout.Repository, default)).RepositoryId, report.DestinationId);
    }

    [Fact]
    public async Task Wherever_it_is_cut_off_nothing_there_is_a_lie_and_repeating_it_finishes()
    {
        await using var scenario = await CopyScenario.StartAsync();
        var puts = (await scenario.ExpectedAsync()).Length - 1;
        for (var step = 0; step < puts; step++)
        {
            using var cancellation = new CancellationTokenSource();
            var fault = step % 2 == 0 ? StoreFault.Hold(StoreOperation.Put) : StoreFault.HoldAfter(StoreOperation.Put);
            scenario.To.Inject(fault.After(step).Repeated(int.MaxValue));
            var running = scenario.CopyAsync(cancellation: cancellation.Token);
            await await Task.WhenAny(fault.Reached, running);
            await cancellation.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
            scenario.To.Heal();
            await scenario.RequireNoLieAsync();

            await scenario.CopyAsync();
            await scenario.RequireWholeAsync();
            await EmptyAsync(scenario);
        }
    }

    [Fact]
    public async Task A_destination_that_is_full_ends_the_copy_and_what_is_there_is_used_by_the_next()
    {
        await using var scenario = await CopyScenario.StartAsync();
        scenario.To.Inject(StoreFault.FailBefore(StoreOperation.Put, new StorageException("r2", null, "no space left", isTransient: false)).After(5).Repeated(int.MaxValue));
        var e = await Assert.ThrowsAsync<StorageException>(() => scenario.CopyAsync());
        Assert.Contains("no space left", e.Message, StringComparison.Ordinal);
        await scenario.RequireNoLieAsync();
        scenario.To.Heal();
        var report = await scenario.CopyAsync();
        Assert.Equal(5, report.Present);
        await scenario.RequireWholeAsync();
    }

    [Theory]
    [InlineData("wal", true)]
    [InlineData("wal", false)]
    [InlineData("pack", true)]
    [InlineData("manifest", true)]
    public async Task A_damaged_object_is_named_and_left_out_and_so_is_the_backup_that_needs_it(string what, bool otherHasIt)
    {
        await using var scenario = await CopyScenario.StartAsync(withOther: otherHasIt);
        var key = KeyOf(scenario, what);
        scenario.World.Damage(key);
        var report = await scenario.CopyAsync();
        var failure = Assert.Single(report.Failures, failure => failure.Key == key);
        Assert.IsType<DamagedRepositoryException>(failure.Error);
        Assert.Contains(key, failure.Error.Message, StringComparison.Ordinal);
        if (what != "manifest")
        {
            Assert.Equal(otherHasIt, failure.Error.Message.Contains("\"r3\" holds it whole", StringComparison.Ordinal));
        }

        Assert.DoesNotContain(key, await scenario.World.KeysAsync(2));
        Assert.Contains($"main/{scenario.Newer.Id}", report.HeldBack);
        Assert.DoesNotContain(scenario.EntryOf(scenario.Newer), await scenario.World.KeysAsync(2));
        Assert.Equal(what != "wal", (await scenario.World.KeysAsync(2)).Contains(scenario.EntryOf(scenario.Older)));
        await scenario.RequireNoLieAsync();

        scenario.World.Damage(key);
        await scenario.CopyAsync();
        await scenario.RequireWholeAsync();
    }

    [Theory]
    [InlineData("pack")]
    [InlineData("manifest")]
    public async Task Without_an_identity_digests_find_the_damage(string what)
    {
        await using var scenario = await CopyScenario.StartAsync();
        scenario.World.Damage(KeyOf(scenario, what));
        var report = await scenario.CopyAsync(identity: null);
        Assert.Contains(report.Failures, failure => failure.Key == KeyOf(scenario, what));
        Assert.DoesNotContain(KeyOf(scenario, what), await scenario.World.KeysAsync(2));
        Assert.Equal([$"main/{scenario.Newer.Id}"], report.HeldBack);
    }

    [Fact]
    public async Task A_key_document_that_does_not_open_is_left_out_and_the_other_copy_serves()
    {
        await using var scenario = await CopyScenario.StartAsync();
        var key = (await scenario.World.KeysAsync(1, "keys/"))[0];
        var text = await File.ReadAllTextAsync(scenario.World.PathOf(key));
        var wrapped = text.IndexOf("\"ciphertext\": \"", StringComparison.Ordinal) + 20;
        var damaged = text[..wrapped] + (text[wrapped] == 'A' ? 'B' : 'A') + text[(wrapped + 1)..];
        await scenario.From.PutAsync(key, System.Text.Encoding.UTF8.GetBytes(damaged), PutMode.Replace, default);
        var report = await scenario.CopyAsync();
        Assert.Equal(key, Assert.Single(report.Failures).Key);
        Assert.DoesNotContain(key, await scenario.World.KeysAsync(2));
        Assert.Equal(2, report.Backups.Count);
    }

    [Fact]
    public async Task What_no_key_opens_any_more_is_not_copied_as_if_it_were_worth_something()
    {
        await using var scenario = await CopyScenario.StartAsync();
        foreach (var key in (await scenario.World.KeysAsync(1)).Where(key => RepositoryKey.Parse(key).Kind == RepositoryKeyKind.DataKey))
        {
            await scenario.From.DeleteAsync(key, default);
        }

        var report = await scenario.CopyAsync();
        Assert.Empty(report.Backups);
        Assert.All(report.Failures, failure => Assert.IsType<KeyUnavailableException>(failure.Error));
        Assert.DoesNotContain(await scenario.World.KeysAsync(2), key => RepositoryKey.Parse(key).Kind is RepositoryKeyKind.Wal or RepositoryKeyKind.Pack);
    }

    [Fact]
    public async Task Wal_that_a_backup_needs_and_the_source_lacks_holds_the_backup_back()
    {
        await using var scenario = await CopyScenario.StartAsync();
        await scenario.From.DeleteAsync(KeyOf(scenario, "wal"), default);
        var report = await scenario.CopyAsync();
        Assert.Equal(2, report.HeldBack.Count);
        Assert.Contains(report.Failures, failure => failure.Error.Message.Contains("which does not exist", StringComparison.Ordinal));
        Assert.Empty(report.Backups);
        await scenario.RequireNoLieAsync();
    }

    [Fact]
    public async Task Other_content_in_the_destination_is_a_conflict_and_stays()
    {
        await using var scenario = await CopyScenario.StartAsync();
        var key = KeyOf(scenario, "wal");
        await scenario.To.PutAsync(key, new byte[100], PutMode.CreateNew, default);
        var report = await scenario.CopyAsync();
        Assert.IsType<ConflictException>(Assert.Single(report.Failures).Error);
        Assert.Equal(new byte[100], File.ReadAllBytes(scenario.World.PathOf(key, 2)));
        Assert.Equal(2, report.HeldBack.Count);
    }

    [Fact]
    public async Task What_says_the_same_in_other_bytes_is_no_conflict()
    {
        await using var scenario = await CopyScenario.StartAsync();
        // Another host, with keys of its own, archives the same WAL to the destination.
        var service = scenario.World.Open("other-host", change: settings => settings with { Repositories = ["r2"], RequiredRepositories = 1 });
        await new ArchivePush(service).PushAsync(Path.Combine(scenario.World["pg_wal"], CopyScenario.First), default);
        var stored = File.ReadAllBytes(scenario.World.PathOf(KeyOf(scenario, "wal"), 2));
        Assert.NotEqual(File.ReadAllBytes(scenario.World.PathOf(KeyOf(scenario, "wal"))), stored);

        foreach (var readBack in new[] { false, true })
        {
            var report = await scenario.CopyAsync(new RepositoryCopyOptions { ReadBack = readBack });
            Assert.Empty(report.Failures);
        }

        Assert.Equal(stored, File.ReadAllBytes(scenario.World.PathOf(KeyOf(scenario, "wal"), 2)));
        await scenario.RequireNoLieAsync();

        scenario.World.Damage(KeyOf(scenario, "wal"), repository: 2);
        Assert.Equal(1, (await scenario.CopyAsync(new RepositoryCopyOptions { ReadBack = true })).Failed);
    }

    [Fact]
    public async Task Reading_back_finds_other_content_of_the_same_size()
    {
        await using var scenario = await CopyScenario.StartAsync();
        await scenario.CopyAsync();
        scenario.World.Damage(KeyOf(scenario, "pack"), repository: 2);
        Assert.Equal(0, (await scenario.CopyAsync()).Failed);
        var report = await scenario.CopyAsync(new RepositoryCopyOptions { ReadBack = true });
        Assert.Equal(KeyOf(scenario, "pack"), Assert.Single(report.Failures).Key);
    }

    [Fact]
    public async Task One_backup_comes_with_its_wal_and_keys_and_without_the_others()
    {
        await using var scenario = await CopyScenario.StartAsync();
        var report = await scenario.CopyAsync(new RepositoryCopyOptions
        {
            Service = ServiceName.Parse(Scenario.ServiceName),
            Backup = BackupId.Parse(scenario.Older.Id),
        });
        Assert.Equal([$"main/{scenario.Older.Id}"], report.Backups);
        var keys = await scenario.World.KeysAsync(2);
        Assert.Contains(scenario.EntryOf(scenario.Older), keys);
        Assert.Contains(scenario.World.KeyOf("00000002.history"), keys);
        Assert.DoesNotContain(keys, key => key.Contains(scenario.Newer.Id, StringComparison.Ordinal));
        Assert.DoesNotContain(scenario.World.KeyOf(CopyScenario.Second), keys);
        await scenario.RequireNoLieAsync();
    }

    [Fact]
    public async Task What_is_not_there_is_refused_by_name()
    {
        await using var scenario = await CopyScenario.StartAsync();
        var service = await Assert.ThrowsAsync<RefusedInputException>(() => scenario.CopyAsync(new RepositoryCopyOptions { Service = ServiceName.Parse("mian") }));
        Assert.Contains("main", service.Hint, StringComparison.Ordinal);
        await Assert.ThrowsAsync<RefusedInputException>(() => scenario.CopyAsync(
            new RepositoryCopyOptions { Service = ServiceName.Parse("main"), Backup = BackupId.Parse("20200101T000000Z") }));
    }

    static string KeyOf(CopyScenario scenario, string what) => what switch
    {
        "wal" => scenario.World.KeyOf(CopyScenario.First),
        "pack" => scenario.Newer.Packs[0].Key,
        _ => scenario.Newer.Manifest.Key,
    };

    static async Task EmptyAsync(CopyScenario scenario)
    {
        foreach (var key in (await scenario.World.KeysAsync(2)).Where(key => key != RepositoryLayout.Repository))
        {
            await scenario.To.DeleteAsync(key, default);
        }
    }
}
