using Pitr.Format.Layout;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Repositories;

/// <summary>Keeps hands off the names that pitr itself lives on.</summary>
public static class ProtectedKeys
{
    /// <summary>Whether a put there could pass a stranger's bytes off as pitr's.</summary>
    public static bool IsOwnName(string key) =>
        IsVital(key) || key.StartsWith(RepositoryLayout.ServicesPrefix, StringComparison.Ordinal) || key.StartsWith(RepositoryLayout.AuditPrefix(null), StringComparison.Ordinal);

    /// <summary>Whether everything else is worth nothing without it: <c>repository.json</c> and the data keys.</summary>
    public static bool IsVital(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return string.Equals(key, RepositoryLayout.Repository, StringComparison.Ordinal)
            || key.StartsWith(RepositoryLayout.KeysPrefix, StringComparison.Ordinal)
            || RepositoryKey.Parse(key).Kind == RepositoryKeyKind.DataKey;
    }

    /// <summary>Refuses to put under a name of pitr's own.</summary>
    /// <exception cref="RefusedInputException">It is one.</exception>
    public static void RefusePut(string key)
    {
        if (IsOwnName(key))
        {
            throw new RefusedInputException(
                $"{key} is a name that pitr itself uses: a strange object there can keep a restore from working",
                "name another key; to bring back a copy of pitr's own object, give --force and the reason");
        }
    }

    /// <summary>Refuses to remove what a repository cannot do without, and what was written to stay.</summary>
    /// <exception cref="RefusedInputException">It is such an object.</exception>
    public static void RefuseRemoval(string key)
    {
        if (RepositoryKey.Parse(key).Kind == RepositoryKeyKind.Audit)
        {
            throw new RefusedInputException($"{key} was not removed: the audit trail says who did what, also long afterwards", "give --force if that is meant");
        }

        if (IsVital(key))
        {
            throw new RefusedInputException(
                $"{key} was not removed: without it {(RepositoryKey.Parse(key).Kind == RepositoryKeyKind.DataKey ? "what is sealed with that data key cannot be opened any more" : "the place is no repository any more")}",
                "give --force if that is meant");
        }
    }
}
