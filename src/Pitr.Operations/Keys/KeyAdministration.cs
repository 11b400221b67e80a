using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Keys;

/// <summary>Looks at and rewrites the key documents of one repository; data is never touched.</summary>
public sealed class KeyAdministration(IObjectStore store)
{
    /// <summary>Every key document, by key, both copies.</summary>
    /// <exception cref="DamagedRepositoryException">A document cannot be read; the message names it.</exception>
    public async Task<IReadOnlyList<(string Key, KeyDocument Document)>> ListAsync(CancellationToken cancellation)
    {
        await RepositorySet.RequireInitialisedAsync(store, cancellation);
        var found = new List<(string, KeyDocument)>();
        foreach (var prefix in await KeyPrefixesAsync(cancellation))
        {
            await foreach (var item in store.ListAsync(prefix, ListMode.Children, cancellation))
            {
                if (!item.IsPrefix && item.Key.EndsWith(".json", StringComparison.Ordinal))
                {
                    found.Add((item.Key, await ReadAsync(item.Key, cancellation)));
                }
            }
        }

        return found;
    }

    /// <summary>Wraps every data key to one more recipient, in both copies.</summary>
    /// <param name="identity">Opens the data keys.</param>
    /// <param name="recipient">The one to add.</param>
    /// <returns>How many documents were rewritten; those that had the recipient already are not.</returns>
    public async Task<int> AddRecipientAsync(Identity identity, Recipient recipient, CancellationToken cancellation)
    {
        var rewritten = 0;
        foreach (var (key, document) in await ListAsync(cancellation))
        {
            if (document.RecipientIds.Contains(recipient.Id))
            {
                continue;
            }

            using var dataKey = Unwrap(key, document, identity);
            var wider = document.WithRecipient(dataKey, recipient);
            await store.PutAsync(key, ObjectContent.FromMemory(wider.ToJson()), PutMode.Replace, cancellation);
            rewritten++;
        }

        return rewritten;
    }

    static DataKey Unwrap(string key, KeyDocument document, Identity identity)
    {
        try
        {
            return document.Unwrap(identity);
        }
        catch (Format.WrongIdentityException e)
        {
            throw new KeyUnavailableException(
                $"identity {identity.Recipient.Id} does not open {key}: {e.Message}",
                "run this with an identity that the key is wrapped to",
                e);
        }
    }

    async Task<List<string>> KeyPrefixesAsync(CancellationToken cancellation)
    {
        var prefixes = new List<string> { RepositoryLayout.KeysPrefix };
        await foreach (var item in store.ListAsync(RepositoryLayout.ServicesPrefix, ListMode.Children, cancellation))
        {
            if (item.IsPrefix && ServiceName.TryParse(item.Key[RepositoryLayout.ServicesPrefix.Length..].TrimEnd('/'), out var service))
            {
                prefixes.Add(RepositoryLayout.ServiceKeysPrefix(service));
            }
        }

        return prefixes;
    }

    async Task<KeyDocument> ReadAsync(string key, CancellationToken cancellation)
    {
        try
        {
            return KeyDocument.Parse(await store.ReadAllAsync(key, cancellation));
        }
        catch (Format.DamagedObjectException e)
        {
            throw new DamagedRepositoryException(
                $"{store.Name}: {key} is damaged: {e.Message}",
                "every key document has a second copy (keys/ and services/NAME/keys/); copy it back from there",
                e);
        }
    }
}
