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

/// <summary>Finding the key that opens what is stored.</summary>
public class DataKeyRingTests
{
    [Fact]
    public async Task Another_host_opens_with_the_identity_alone()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var key = await scenario.Service.SealingKeys.GetAsync(default);
        await using var other = scenario.Open("other-state");

        RequireSame(key, await other.OpeningKeys.GetAsync(key.Id, default));
    }

    [Theory]
    [InlineData("keys/")]
    [InlineData("services/main/keys/")]
    public async Task A_missing_copy_is_made_up_for_by_the_other(string missing)
    {
        await using var scenario = await Scenario.StartAsync();
        var key = await scenario.Service.SealingKeys.GetAsync(default);
        File.Delete(scenario.PathOf($"{missing}{key.Id}.json"));
        await using var other = scenario.Open("other-state");

        Assert.Equal(key.Id, (await other.OpeningKeys.GetAsync(key.Id, default)).Id);
    }

    public static TheoryData<string, Func<byte[], byte[]>> Damages => new()
    {
        { "empty", _ => [] },
        { "truncated", c => c[..(c.Length / 2)] },
        { "not JSON", _ => "garbage"u8.ToArray() },
        { "no wraps", _ => "{\"format\":1}"u8.ToArray() },
        { "other ciphertext", c => Encode(Decode(c).Replace("\"ciphertext\": \"", "\"ciphertext\": \"AAAA", StringComparison.Ordinal)) },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task A_damaged_first_copy_is_made_up_for_by_the_second(string what, Func<byte[], byte[]> damage)
    {
        await using var scenario = await Scenario.StartAsync();
        var key = await scenario.Service.SealingKeys.GetAsync(default);
        var path = scenario.PathOf(RepositoryLayout.DataKey(key.Id));
        File.WriteAllBytes(path, damage(File.ReadAllBytes(path)));
        await using var other = scenario.Open("other-state");

        Assert.True(key.Id == (await other.OpeningKeys.GetAsync(key.Id, default)).Id, what);
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task Copies_damaged_in_one_repository_are_made_up_for_by_another(string what, Func<byte[], byte[]> damage)
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var key = await scenario.Service.SealingKeys.GetAsync(default);
        foreach (var copy in new[] { RepositoryLayout.DataKey(key.Id), RepositoryLayout.ServiceDataKey(scenario.Service.Name, key.Id) })
        {
            var path = scenario.PathOf(copy);
            File.WriteAllBytes(path, damage(File.ReadAllBytes(path)));
        }

        await using var other = scenario.Open("other-state");

        Assert.True(key.Id == (await other.OpeningKeys.GetAsync(key.Id, default)).Id, what);
    }

    [Fact]
    public async Task Both_copies_damaged_is_damage_and_named()
    {
        await using var scenario = await Scenario.StartAsync();
        var key = await scenario.Service.SealingKeys.GetAsync(default);
        File.WriteAllText(scenario.PathOf(RepositoryLayout.DataKey(key.Id)), "garbage");
        File.WriteAllText(scenario.PathOf(RepositoryLayout.ServiceDataKey(scenario.Service.Name, key.Id)), "garbage");
        await using var other = scenario.Open("other-state");

        var error = await Assert.ThrowsAsync<DamagedRepositoryException>(() => other.OpeningKeys.GetAsync(key.Id, default));

        Assert.Contains(key.Id.ToString(), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_keys_document_under_this_name_is_not_taken_for_it()
    {
        await using var scenario = await Scenario.StartAsync();
        var key = await scenario.Service.SealingKeys.GetAsync(default);
        await using var otherHost = scenario.Open("other-state");
        var swapped = await otherHost.SealingKeys.GetAsync(default);
        File.Copy(scenario.PathOf(RepositoryLayout.DataKey(swapped.Id)), scenario.PathOf(RepositoryLayout.DataKey(key.Id)), overwrite: true);
        await using var third = scenario.Open("third-state");

        RequireSame(key, await third.OpeningKeys.GetAsync(key.Id, default));
    }

    [Fact]
    public async Task A_missing_key_is_named_with_the_places_looked_at()
    {
        await using var scenario = await Scenario.StartAsync();
        var id = DataKeyId.New();

        var error = await Assert.ThrowsAsync<KeyUnavailableException>(() => scenario.Service.OpeningKeys.GetAsync(id, default));

        Assert.Contains($"keys/{id}.json", error.Message, StringComparison.Ordinal);
        Assert.Contains($"services/main/keys/{id}.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repository_that_could_not_be_asked_is_not_a_missing_key()
    {
        await using var scenario = await Scenario.StartAsync();
        var key = await scenario.Service.SealingKeys.GetAsync(default);
        scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Read).Repeated(int.MaxValue));
        await using var other = scenario.Open("other-state");

        await Assert.ThrowsAsync<StorageException>(() => other.OpeningKeys.GetAsync(key.Id, default));

        scenario.Store.Heal();
        Assert.Equal(key.Id, (await other.OpeningKeys.GetAsync(key.Id, default)).Id);
    }

    [Fact]
    public async Task The_wrong_identity_is_said_to_be_wrong()
    {
        await using var scenario = await Scenario.StartAsync();
        var stranger = scenario.WriteIdentity("stranger");
        var key = await scenario.Service.SealingKeys.GetAsync(default);
        await using var other = scenario.Open("other-state", identity: "stranger");

        var error = await Assert.ThrowsAsync<KeyUnavailableException>(() => other.OpeningKeys.GetAsync(key.Id, default));

        Assert.Contains(stranger.Id, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_an_identity_a_host_opens_what_it_sealed_itself_for_a_day()
    {
        await using var scenario = await Scenario.StartAsync();
        await using var host = scenario.Open(identity: null);
        var id = (await host.SealingKeys.GetAsync(default)).Id;

        Assert.Equal(id, (await host.OpeningKeys.GetAsync(id, default)).Id);

        scenario.Clock.Advance(TimeSpan.FromHours(24));
        await using var nextDay = scenario.Open(identity: null);
        await Assert.ThrowsAsync<KeyUnavailableException>(() => nextDay.OpeningKeys.GetAsync(id, default));
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("not a key")]
    public async Task An_identity_that_cannot_be_read_is_named(string what)
    {
        await using var scenario = await Scenario.StartAsync();
        var key = await scenario.Service.SealingKeys.GetAsync(default);
        await using var other = scenario.Open("other-state");
        if (what == "missing")
        {
            File.Delete(scenario["identity.pem"]);
        }
        else
        {
            File.WriteAllText(scenario["identity.pem"], "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
        }

        var error = await Assert.ThrowsAsync<KeyUnavailableException>(() => other.OpeningKeys.GetAsync(key.Id, default));

        Assert.Contains(scenario["identity.pem"], error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_identity_that_others_can_read_is_refused()
    {
        await using var scenario = await Scenario.StartAsync();
        var key = await scenario.Service.SealingKeys.GetAsync(default);
        File.SetUnixFileMode(scenario["identity.pem"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        await using var other = scenario.Open("other-state");

        await Assert.ThrowsAsync<ConfigurationException>(() => other.OpeningKeys.GetAsync(key.Id, default));
    }

    static void RequireSame(DataKey expected, DataKey actual) => Assert.True(expected.Secret.SequenceEqual(actual.Secret));

    static string Decode(byte[] utf8) => System.Text.Encoding.UTF8.GetString(utf8);

    static byte[] Encode(string text) => System.Text.Encoding.UTF8.GetBytes(text);
}

/// <summary>The key this host keeps in its state directory.</summary>
public class DataKeyCacheTests
{
    const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Fact]
    public async Task Only_the_owner_can_read_it()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.Service.SealingKeys.GetAsync(default);

        Assert.Equal(OwnerOnly, File.GetUnixFileMode(Cache(scenario)));
        Assert.Equal(OwnerOnly | UnixFileMode.UserExecute, File.GetUnixFileMode(scenario.Service.StateDirectory));
        Assert.Equal(["data-key.json", "data-key.lock"], Directory.GetFiles(scenario.Service.StateDirectory).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task One_that_others_can_read_is_refused_and_said_so()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.Service.SealingKeys.GetAsync(default);
        File.SetUnixFileMode(Cache(scenario), OwnerOnly | UnixFileMode.GroupRead);
        await using var restarted = scenario.Open();

        var error = await Assert.ThrowsAsync<ConfigurationException>(() => restarted.SealingKeys.GetAsync(default));

        Assert.Contains(Cache(scenario), error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"id\":\"zz\",\"created\":\"2026-11-21T03:00:00+00:00\",\"secret\":\"%%\",\"recipient-ids\":[]}")]
    [InlineData("{\"id\":\"00112233445566778899aabbccddeeff\",\"created\":\"2026-11-21T03:00:00+00:00\",\"secret\":\"AAAA\",\"recipient-ids\":null}")]
    public async Task One_that_cannot_be_read_is_replaced(string content)
    {
        await using var scenario = await Scenario.StartAsync();
        var first = (await scenario.Service.SealingKeys.GetAsync(default)).Id;
        File.WriteAllText(Cache(scenario), content);
        await using var restarted = scenario.Open();

        var second = (await restarted.SealingKeys.GetAsync(default)).Id;

        Assert.NotEqual(first, second);
        Assert.Equal(first, (await restarted.OpeningKeys.GetAsync(first, default)).Id);
    }

    [Theory]
    [InlineData("zz", "AAAA")]
    [InlineData(null, "AAAA")]
    [InlineData(null, "%%")]
    public async Task One_with_impossible_values_for_these_recipients_is_replaced(string? id, string secret)
    {
        await using var scenario = await Scenario.StartAsync();
        var first = (await scenario.Service.SealingKeys.GetAsync(default)).Id;
        var recipient = scenario.ReadIdentity().Recipient.Id;
        File.WriteAllText(
            Cache(scenario), $"{{\"id\":\"{id ?? first.ToString()}\",\"created\":\"2026-11-21T03:00:00+00:00\",\"secret\":\"{secret}\",\"recipient-ids\":[\"{recipient}\"]}}");
        await using var restarted = scenario.Open();

        Assert.NotEqual(first, (await restarted.SealingKeys.GetAsync(default)).Id);
        Assert.Equal(first, (await restarted.OpeningKeys.GetAsync(first, default)).Id);
    }

    static string Cache(Scenario scenario) => Path.Combine(scenario.Service.StateDirectory, "data-key.json");
}
