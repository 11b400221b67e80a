using System.Security.Cryptography;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Keys;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Check;

/// <summary>The checks of every kind of service: keys and repositories.</summary>
/// <param name="service">The service.</param>
/// <param name="list">Takes the lines.</param>
sealed class StorageChecks(OpenedService service, CheckList list)
{
    /// <summary>Checks.</summary>
    /// <returns>Whether as many repositories as are required can be used.</returns>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        await list.CheckAsync("recipients", () =>
        {
            var recipients = RecipientFiles.Load(service.Configuration.Encryption);
            return Task.FromResult($"{recipients.Count} recipient(s): {string.Join(", ", recipients.Select(r => r.Id))}");
        });
        await list.CheckAsync("identity", () => Task.FromResult(DescribeIdentity()));
        var usable = 0;
        foreach (var store in service.Repositories.Stores)
        {
            usable += await list.CheckAsync($"repository {store.Name}", () => TryRepositoryAsync(store, cancellation)) ? 1 : 0;
        }

        return usable >= service.Repositories.Required;
    }

    string DescribeIdentity()
    {
        if (service.Configuration.Encryption.IdentityFile is null)
        {
            return "none configured: this host can push and back up; restore, drill and verify need one";
        }

        using var identity = IdentityFile.Load(service.Configuration.Encryption);
        var isRecipient = RecipientFiles.Load(service.Configuration.Encryption).Any(r => r.Id == identity.Recipient.Id);
        return isRecipient
            ? $"{identity.Recipient.Id} opens what is sealed here"
            : throw new KeyUnavailableException(
                $"identity {identity.Recipient.Id} is none of the recipients",
                "what is sealed from now on could not be opened with it; add its public key to encryption.recipients");
    }

    async Task<string> TryRepositoryAsync(IObjectStore store, CancellationToken cancellation)
    {
        var document = await RepositorySet.RequireInitialisedAsync(store, cancellation);
        var key = RepositoryLayout.Lock(service.Name, $"check-{Guid.NewGuid():N}");
        var content = RandomNumberGenerator.GetBytes(4096);
        await store.PutAsync(key, ObjectContent.FromMemory(content), PutMode.CreateNew, cancellation);
        var read = await store.ReadAllAsync(key, cancellation);
        await store.DeleteAsync(key, cancellation);
        if (!read.AsSpan().SequenceEqual(content))
        {
            throw new DamagedRepositoryException(
                $"repository {store.Name} gave back other bytes than were put",
                "do not trust this storage; check the disk or the provider");
        }

        if (await store.StatAsync(key, cancellation) is not null)
        {
            throw new RepositoryUnavailableException(
                $"repository {store.Name} still has an object after its deletion",
                "check the permissions and versioning of the store");
        }

        var remark = store.Capabilities.Remark is { } text ? $"; {text}" : "";
        var owed = service.Repositories.Debts.Owed(store.Name).Count();
        var payer = service is DumpService ? "the next backup or `pitr repo catch-up`" : "`pitr agent`";
        var lag = owed == 0 ? "" : $"; owed {owed} objects, which {payer} gives to it";
        return $"{store.Location}: written, read and deleted; format {document.Format}, id {document.RepositoryId}{lag}{remark}";
    }
}
