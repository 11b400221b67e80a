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
