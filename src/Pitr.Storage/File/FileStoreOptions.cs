namespace Pitr.Storage.File;

/// <summary>A repository in a directory of this host.</summary>
/// <param name="Directory">An absolute path. Need not exist yet.</param>
public sealed record FileStoreOptions(string Directory) : StoreOptions
{
    /// <inheritdoc/>
    public override string? Fault() => Path.IsPathRooted(Directory) ? null : $"repository directory \"{Directory}\" is not an absolute path";
}
