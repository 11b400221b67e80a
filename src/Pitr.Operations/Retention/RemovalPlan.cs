using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;

namespace Pitr.Operations.Retention;

/// <summary>Which backups go, after the rules that no choice may break.</summary>
/// <param name="Chosen">Those that go, oldest first.</param>
/// <param name="Postponed">Leftovers of earlier runs that must not go now, each with the reason.</param>
/// <param name="Freed">Keys that their entries name.</param>
sealed record RemovalPlan(IReadOnlyList<ChosenBackup> Chosen, IReadOnlyDictionary<BackupId, string> Postponed, IReadOnlySet<string> Freed)
{
    /// <summary>Their ids.</summary>
    public IReadOnlySet<BackupId> Ids { get; } = Chosen.Select(chosen => chosen.Id).ToHashSet();

    /// <summary>Makes the plan.</summary>
    /// <param name="service">Whose backups.</param>
    /// <param name="choice">Which shall go.</param>
    /// <param name="holdings">What the repositories hold.</param>
    /// <param name="pending">What earlier runs could not finish.</param>
    /// <param name="now">The present: a pin may have ended.</param>
    /// <param name="force">Whether a repository may be left without a backup.</param>
    /// <exception cref="RefusedInputException">A chosen backup does not exist, is pinned, or is the last one somewhere.</exception>
    public static RemovalPlan Make(
        ServiceName service, IBackupChoice choice, IReadOnlyList<BackupHoldings> holdings, IReadOnlyList<BackupId> pending, DateTimeOffset now, bool force)
    {
        var documents = new SortedDictionary<BackupId, List<ICatalogEntry>>();
        foreach (var (id, entry) in holdings.SelectMany(held => held.Entries))
        {
            if (!documents.TryGetValue(id, out var copies))
            {
                documents[id] = copies = [];
            }

            copies.Add(entry);
        }

        var chosen = choice.Choose([.. documents.Values.Select(copies => copies.Find(copy => copy.PinAt(now) is not null) ?? copies[0])]).OrderBy(c => c.Id).ToList();
        // One that is no more but for packs that others need is no more.
        var named = documents.Values.SelectMany(copies => copies).SelectMany(CatalogObjects.Of).Select(item => item.Key).ToHashSet(StringComparer.Ordinal);
        var leftovers = holdings.SelectMany(held => held.Parts).Where(part => !named.Contains(part.Key)).Select(part => part.Backup).Concat(pending).ToHashSet();
        foreach (var (id, _) in chosen)
        {
            if (!documents.ContainsKey(id) && !leftovers.Contains(id))
            {
                throw new RefusedInputException($"service {service} has no backup {id}; nothing was removed", $"`pitr info {service}` shows which there are");
            }

            if (Objection(id, chosen) is { } objection)
            {
                throw new RefusedInputException($"backup {id} of {service} {objection}; nothing was removed", "take a new backup first; --force removes the last one, and never a pinned one");
            }
        }

        var postponed = new Dictionary<BackupId, string>();
        foreach (var id in pending.Distinct().Where(id => chosen.All(c => c.Id != id)))
        {
            var candidate = new ChosenBackup(id, "was to be removed by an earlier run");
            if (Objection(id, [.. chosen, candidate]) is { } objection)
            {
                postponed[id] = objection;
            }
            else
            {
                chosen.Add(candidate);
            }
        }

        var freed = chosen.SelectMany(c => documents.GetValueOrDefault(c.Id) ?? []).SelectMany(CatalogObjects.Of).Select(item => item.Key);
        return new RemovalPlan([.. chosen.OrderBy(c => c.Id)], postponed, freed.ToHashSet(StringComparer.Ordinal));

        string? Objection(BackupId id, IReadOnlyList<ChosenBackup> going)
        {
            if (documents.GetValueOrDefault(id)?.Select(entry => entry.PinAt(now)).FirstOrDefault(reason => reason is not null) is { } pin)
            {
                return $"is pinned ({pin})";
            }

            // Each repository for itself: one that is left with none could not restore anything the day the others are lost.
            var emptied = force ? null : holdings.FirstOrDefault(held => held.Entries.ContainsKey(id) && held.Entries.Keys.All(other => going.Any(c => c.Id == other)));
            return emptied is null ? null : $"is the last complete one that would be left in repository {emptied.Store.Name}";
        }
    }
}
