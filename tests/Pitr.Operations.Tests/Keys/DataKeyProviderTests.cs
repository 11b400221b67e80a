using Pitr.Format;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Operations.Archive;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Keys;

/// <summary>The key new objects are sealed with: published before use, kept a day, replaced when it must be.</summary>
public class DataKeyProviderTests
{
    [Fact]
    public async Task Both_copies_are_in_every_repository_before_the_first_object()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);

        await scenario.PushSegmentAsync("000000010000000000000003");

        foreach (var store in scenario.Stores)
        {
            var puts = store.Calls.Where(c => c.Operation == StoreOperation.Put).Select(c => c.Key).ToList();
            var segment = puts.IndexOf(scenario.KeyOf("000000010000000000000003"));
            Assert.InRange(puts.FindIndex(k => k.StartsWith("keys/", StringComparison.Ordinal)), 0, segment - 1);
            Assert.InRange(puts.FindIndex(k => k.StartsWith("services/main/keys/", StringComparison.Ordinal)), 0, segment - 1);
        }
    }

    [Theory]
    [InlineData(0, "keys/")]
    [InlineData(0, "services/main/keys/")]
    [InlineData(1, "keys/")]
    [InlineData(1, "services/main/keys/")]
    public async Task No_object_is_written_anywhere_while_a_copy_is_missing_somewhere(int repository, string prefix)
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        scenario.Stores[repository].Inject(StoreFault.FailBefore(StoreOperation.Put).On(k => k.StartsWith(prefix, StringComparison.Ordinal)));

        await Assert.ThrowsAsync<StorageException>(() => scenario.PushSegmentAsync("000000010000000000000003"));

        Assert.DoesNotContain(await scenario.KeysAsync(1), k => k.Contains("/wal/", StringComparison.Ordinal));
        Assert.DoesNotContain(await scenario.KeysAsync(2), k => k.Contains("/wal/", StringComparison.Ordinal));
        await scenario.PushSegmentAsync("000000010000000000000003");
        await RequireAllPublishedAsync(scenario);
    }

    [Fact]
    public async Task A_document_whose_answer_was_lost_is_found_there_the_next_time()
    {
        await using var scenario = await Scenario.StartAsync();
        scenario.Store.Inject(StoreFault.FailAfter(StoreOperation.Put).On(k => k.StartsWith("keys/", StringComparison.Ordinal)));

        await Assert.ThrowsAsync<StorageException>(() => scenario.Service.SealingKeys.GetAsync(default));
        await scenario.PushSegmentAsync("000000010000000000000003");

        await RequireAllPublishedAsync(scenario);
    }

    [Fact]
    public async Task The_same_key_serves_a_day_and_several_processes()
    {
        await using var scenario = await Scenario.StartAsync();
        var first = (await scenario.Service.SealingKeys.GetAsync(default)).Id;

        scenario.Clock.Advance(TimeSpan.FromHours(24) - TimeSpan.FromSeconds(1));
        Assert.Equal(first, (await scenario.Service.SealingKeys.GetAsync(default)).Id);
        await using var restarted = scenario.Open();
        Assert.Equal(first, (await restarted.SealingKeys.GetAsync(default)).Id);
        await using var otherHost = scenario.Open("other-state");
        Assert.NotEqual(first, (await otherHost.SealingKeys.GetAsync(default)).Id);
    }

    [Fact]
    public async Task After_a_day_there_is_a_new_key_and_the_old_objects_still_open()
    {
        await using var scenario = await Scenario.StartAsync();
        var content = await scenario.PushSegmentAsync("000000010000000000000003");
        var first = (await scenario.Service.SealingKeys.GetAsync(default)).Id;

        scenario.Clock.Advance(TimeSpan.FromHours(24));
        await scenario.PushSegmentAsync("000000010000000000000004");

        Assert.NotEqual(first, (await scenario.Service.SealingKeys.GetAsync(default)).Id);
        await RequireAllPublishedAsync(scenario);
        await using var restarted = scenario.Open();
        Assert.Equal(content, await new ArchiveGet(restarted).ReadAsync(Pitr.Format.Wal.WalFileName.Parse("000000010000000000000003"), default));
    }

    [Fact]
    public async Task A_clock_that_was_set_back_makes_a_new_key()
    {
        await using var scenario = await Scenario.StartAsync();
        var first = (await scenario.Service.SealingKeys.GetAsync(default)).Id;

        scenario.Clock.Advance(TimeSpan.FromDays(-2));
        await using var restarted = scenario.Open();

        Assert.NotEqual(first, (await restarted.SealingKeys.GetAsync(default)).Id);
    }

    [Fact]
    public async Task Other_recipients_mean_a_new_key_for_them_alone()
    {
        await using var scenario = await Scenario.StartAsync();
        var escrow = scenario.WriteIdentity("escrow");
        var first = (await scenario.Service.SealingKeys.GetAsync(default)).Id;

        await using var changed = scenario.Open(recipients: ["identity", "escrow"]);
        var second = (await changed.SealingKeys.GetAsync(default)).Id;

        Assert.NotEqual(first, second);
        var document = KeyDocument.Parse(await scenario.Store.ReadAllAsync(RepositoryLayout.DataKey(second), default));
        Assert.Equal(2, document.RecipientIds.Count);
        Assert.Contains(escrow.Id, document.RecipientIds);
        await using var sameInOtherOrder = scenario.Open(recipients: ["escrow", "identity"]);
        Assert.Equal(second, (await sameInOtherOrder.SealingKeys.GetAsync(default)).Id);
    }

    [Fact]
    public async Task A_running_process_sees_changed_recipients()
    {
        await using var scenario = await Scenario.StartAsync();
        var first = (await scenario.Service.SealingKeys.GetAsync(default)).Id;
        scenario.WriteIdentity("other");

        File.Copy(scenario["other.pub"], scenario["identity.pub"], overwrite: true);
        scenario.Clock.Advance(TimeSpan.FromSeconds(31));

        Assert.NotEqual(first, (await scenario.Service.SealingKeys.GetAsync(default)).Id);
    }

    [Fact]
    public async Task Key_documents_that_vanished_are_put_again()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        await scenario.PushSegmentAsync("000000010000000000000003");
        Directory.Delete(scenario.PathOf("keys", 1), recursive: true);
        Directory.Delete(scenario.PathOf("services/main/keys", 2), recursive: true);

        scenario.Clock.Advance(TimeSpan.FromSeconds(31));
        await scenario.PushSegmentAsync("000000010000000000000004");

        await RequireAllPublishedAsync(scenario);
    }

    [Fact]
    public async Task An_emptied_repository_is_refused_even_while_the_process_runs_on()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync("000000010000000000000003");
        foreach (var entry in Directory.EnumerateDirectories(scenario["repository-1"]))
        {
            Directory.Delete(entry, recursive: true);
        }

        File.Delete(scenario.PathOf(RepositoryLayout.Repository));
        File.WriteAllText(scenario.PathOf("lost+found"), "");

        scenario.Clock.Advance(TimeSpan.FromSeconds(31));
        await Assert.ThrowsAsync<RepositoryUnavailableException>(() => scenario.PushSegmentAsync("000000010000000000000004"));
    }

    [Fact]
    public async Task Many_at_once_get_one_key()
    {
        await using var scenario = await Scenario.StartAsync();
        var service = scenario.Service;

        var keys = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => service.SealingKeys.GetAsync(default))));

        Assert.Single(keys.Select(k => k.Id).Distinct());
        Assert.Equal(2, (await scenario.KeysAsync()).Count(k => k.Contains("keys/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Two_processes_of_one_host_make_one_key_between_them()
    {
        await using var scenario = await Scenario.StartAsync(skipsWaits: true);
        await using var one = scenario.Open();
        await using var two = scenario.Open();

        var keys = await Task.WhenAll(Task.Run(() => one.SealingKeys.GetAsync(default)), Task.Run(() => two.SealingKeys.GetAsync(default)));

        Assert.Equal(keys[0].Id, keys[1].Id);
    }

    [Fact]
    public async Task Without_a_usable_recipient_nothing_is_sealed()
    {
        await using var scenario = await Scenario.StartAsync();
        File.WriteAllText(scenario["identity.pub"], "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");

        var error = await Assert.ThrowsAsync<KeyUnavailableException>(() => scenario.PushSegmentAsync("000000010000000000000003"));

        Assert.Contains("identity.pub", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(await scenario.KeysAsync(), k => k.Contains("/wal/", StringComparison.Ordinal));
    }

    static async Task RequireAllPublishedAsync(Scenario scenario)
    {
        var id = (await scenario.Service.SealingKeys.GetAsync(default)).Id;
        foreach (var store in scenario.Stores)
        {
            Assert.NotNull(await store.StatAsync(RepositoryLayout.DataKey(id), default));
            Assert.NotNull(await store.StatAsync(RepositoryLayout.ServiceDataKey(scenario.Service.Name, id), default));
        }
    }
}
