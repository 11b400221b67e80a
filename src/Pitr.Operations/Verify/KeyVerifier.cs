using Pitr.Format;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Verify;

/// <summary>
/// Verifies the key documents of one repository: both copies of each data key of the service are there, say the same, and open with the identity.
/// </summary>
/// <param name="scope">The repository.</param>
/// <param name="documents">Reads documents.</param>
sealed class KeyVerifier(VerifyScope scope, DocumentVerifier documents)
{
    const string BringBack = "`pitr repo get` and `pitr repo put --force` bring it back: the other copy of the document, below keys/ or services/NAME/keys/, is the same, and another repository has both";

    readonly HashSet<DataKeyId> _common = [];
    readonly HashSet<DataKeyId> _own = [];

    /// <summary>Reads them all.</summary>
    /// <exception cref="KeyUnavailableException">There are some, and the identity opens none of the service's data keys.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var own = await ReadAsync(RepositoryLayout.ServiceKeysPrefix(scope.Name), _own, cancellation);
        var common = await ReadAsync(RepositoryLayout.KeysPrefix, _common, cancellation);
        var opened = 0;
        WrongIdentityException? wrong = null;
        var unopened = new List<(string Key, string Reason)>();
        foreach (var (key, document) in own.Values.Concat(common.Where(c => _own.Contains(c.Key)).Select(c => c.Value)))
        {
            try
            {
                scope.Service.OpeningKeys.RequireOpens(document);
                opened++;
            }
            catch (WrongIdentityException e)
            {
                wrong ??= e;
                unopened.Add((key, e.Message));
            }
            catch (DamagedObjectException e)
            {
                scope.Find(FindingKind.Damaged, key, e.Message, BringBack);
            }
        }

        if (opened == 0 && wrong is not null)
        {
            throw new KeyUnavailableException(
                $"the identity opens no data key of service {scope.Name} in repository {scope.Store.Name}: {wrong.Message}",
                "use the identity whose recipient the repository was written for; `pitr key list` shows the recipients of every data key", wrong);
        }

        foreach (var (key, reason) in unopened)
        {
            scope.Find(FindingKind.NoKey, key, reason, "what it seals is not verified: use an identity it is wrapped to, and add the other recipient with `pitr key add-recipient`");
        }

        foreach (var (id, (key, document)) in own)
        {
            if (common.TryGetValue(id, out var other) && !document.RecipientIds.ToHashSet(StringComparer.Ordinal).SetEquals(other.Document.RecipientIds))
            {
                scope.Find(FindingKind.Differs, key, $"opens for other recipients than {other.Key}", "adding a recipient was cut short; run `pitr key add-recipient` again");
            }
        }
    }

    /// <summary>Makes sure that both copies of data keys in use are there.</summary>
    /// <param name="used">Data keys that something of the service is sealed with.</param>
    public void RequireUsed(IEnumerable<DataKeyId> used)
    {
        foreach (var id in used.Union(_own).ToArray())
        {
            var (common, own) = (RepositoryLayout.DataKey(id), RepositoryLayout.ServiceDataKey(scope.Name, id));
            if (!_common.Contains(id) && !_own.Contains(id) && !scope.IsOwed(common) && !scope.IsOwed(own))
            {
                scope.Find(
                    FindingKind.NoKey,
                    common,
                    $"data key {id} is lost here: its second copy {own} is not there either, so that nothing sealed with it can be opened with what this repository holds",
                    "bring the document back from another repository or an older copy of this one, now; the host that made the key has it for a day in its state directory");
                continue;
            }

            scope.Verified.Add(id);
            RequireCopy(common, _common.Contains(id));
            RequireCopy(own, _own.Contains(id));
        }
    }

    void RequireCopy(string key, bool isThere)
    {
        if (!isThere && !scope.IsOwed(key))
        {
            scope.Find(FindingKind.Missing, key, "is missing; the data key's other document is the last one here", BringBack);
        }
    }

    async Task<Dictionary<DataKeyId, (string Key, KeyDocument Document)>> ReadAsync(string prefix, HashSet<DataKeyId> there, CancellationToken cancellation)
    {
        var found = new Dictionary<DataKeyId, (string, KeyDocument)>();
        await foreach (var item in scope.Store.ListAsync(prefix, ListMode.Children, cancellation))
        {
            if (item.IsPrefix || !RepositoryKey.TryParseDataKeyId(item.Key, out var id))
            {
                continue;
            }

            there.Add(id);
            if (await documents.ReadAsync(item.Key, BringBack, cancellation) is (var json, true))
            {
                found[id] = (item.Key, KeyDocument.Parse(json));
            }
        }

        return found;
    }
}
