using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Operations.Keys;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Keys;

public class KeyAdministrationTests
{
    const string Name = "000000010000000000000003";

    [Fact]
    public async Task An_added_recipient_is_in_both_copies_of_every_key_and_opens_everything()
    {
        await using var scenario = await Scenario.StartAsync();
        var content = await scenario.PushSegmentAsync(Name);
        scenario.Clock.Advance(TimeSpan.FromHours(25));
        await scenario.PushSegmentAsync("000000010000000000000004");
        var escrow = scenario.WriteIdentity("escrow");
        using var identity = scenario.ReadIdentity();

        Assert.Equal(4, await new KeyAdministration(scenario.Store).AddRecipientAsync(identity, escrow, default));

        var documents = await new KeyAdministration(scenario.Store).ListAsync(default);
        Assert.Equal(4, documents.Count);
        Assert.All(documents, d => Assert.Equal([identity.Recipient.Id, escrow.Id], d.Document.RecipientIds));
        foreach (var prefix in new[] { "keys", "services/main/keys" })
        {
            // Either copy alone is enough for the new identity.
            var aside = scenario[$"aside-{prefix.Length}"];
            Directory.Move(scenario.PathOf(prefix), aside);
            await using var other = scenario.Open($"state-{prefix.Length}", identity: "escrow");
            Assert.Equal(content, await new ArchiveGet(other).ReadAsync(WalFileName.Parse(Name), default));
            Directory.Move(aside, scenario.PathOf(prefix));
        }

        await using var old = scenario.Open("old-state");
        Assert.Equal(content, await new ArchiveGet(old).ReadAsync(WalFileName.Parse(Name), default));
    }

    [Fact]
    public async Task Data_is_not_touched()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name);
        var before = File.ReadAllBytes(scenario.PathOf(scenario.KeyOf(Name)));
        using var identity = scenario.ReadIdentity();

        await new KeyAdministration(scenario.Store).AddRecipientAsync(identity, scenario.WriteIdentity("escrow"), default);

        Assert.Equal(before, File.ReadAllBytes(scenario.PathOf(scenario.KeyOf(Name))));
    }

    [Fact]
    public async Task Adding_twice_rewrites_nothing_and_an_interrupted_run_is_completed_by_the_next()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name);
        var escrow = scenario.WriteIdentity("escrow");
        using var identity = scenario.ReadIdentity();
        scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Put).After(1));

        await Assert.ThrowsAsync<StorageException>(() => new KeyAdministration(scenario.Store).AddRecipientAsync(identity, escrow, default));
        Assert.Equal(1, await new KeyAdministration(scenario.Store).AddRecipientAsync(identity, escrow, default));
        Assert.Equal(0, await new KeyAdministration(scenario.Store).AddRecipientAsync(identity, escrow, default));
    }

    [Fact]
    public async Task An_identity_that_does_not_open_a_key_cannot_pass_it_on()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name);
        scenario.WriteIdentity("stranger");
        using var stranger = scenario.ReadIdentity("stranger");

        await Assert.ThrowsAsync<KeyUnavailableException>(() => new KeyAdministration(scenario.Store).AddRecipientAsync(stranger, stranger.Recipient, default));
    }

    [Fact]
    public async Task A_damaged_document_is_named()
    {
        await using var scenario = await Scenario.StartAsync();
        var key = await scenario.Service.SealingKeys.GetAsync(default);
        File.WriteAllText(scenario.PathOf(RepositoryLayout.DataKey(key.Id)), "garbage");

        var error = await Assert.ThrowsAsync<DamagedRepositoryException>(() => new KeyAdministration(scenario.Store).ListAsync(default));

        Assert.Contains(RepositoryLayout.DataKey(key.Id), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_place_that_is_no_repository_is_refused()
    {
        await using var scenario = await Scenario.StartAsync();
        File.Delete(scenario.PathOf(RepositoryLayout.Repository));

        await Assert.ThrowsAsync<RepositoryUnavailableException>(() => new KeyAdministration(scenario.Store).ListAsync(default));
    }
}
