using Pitr.Format;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Restore;

/// <summary>What the failures of fetching mean for a restore.</summary>
static class RestoreFailure
{
    /// <summary>The next step when a pack cannot be had.</summary>
    public const string PackHint = "the backup cannot be restored from here; choose another with --backup, or bring the object back from a copy";

    /// <summary>Whether another repository's copy of the same object may not have it.</summary>
    public static bool IsOfOneCopy(Exception e) =>
        e is StorageException or DamagedObjectException or EndOfStreamException or UnsupportedFormatException or KeyUnavailableException;

    /// <summary>The one to tell of: damage says more than that another repository does not have the object.</summary>
    public static Exception Worse(Exception? known, Exception next) => known is null or ObjectNotFoundException ? next : known;

    /// <summary>The same failure, named after the object.</summary>
    public static Exception Explain(Exception failure, string key, string hint) => failure switch
    {
        DamagedObjectException or EndOfStreamException => new DamagedRepositoryException($"{key} is damaged: {failure.Message}", hint, failure),
        ObjectNotFoundException => new DamagedRepositoryException($"{key} is missing from every repository", hint, failure),
        UnsupportedFormatException => new UnsupportedFormatException($"{key}: {failure.Message}", failure),
        _ => failure,
    };
}
