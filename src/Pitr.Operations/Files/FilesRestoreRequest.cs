namespace Pitr.Operations.Files;

/// <summary>What of a backup is brought back, and where to.</summary>
/// <param name="Selection">What of it.</param>
/// <param name="Directory">The new or empty directory that stands for /; null: everything goes to where it was.</param>
/// <param name="NumericOwners">Whether owners are restored by number, although their names may have others here.</param>
public sealed record FilesRestoreRequest(PathSelection Selection, string? Directory, bool NumericOwners)
{
    /// <summary>Whether everything goes to where it was, and what is there is kept aside.</summary>
    public bool IsInPlace => Directory is null;

    /// <summary>What stands for /.</summary>
    public string Root => Directory ?? "/";
}
