using Pitr.Storage;
using Pitr.Storage.File;

namespace Pitr.Operations.Configuration;

/// <summary>A <c>file:</c> repository.</summary>
/// <param name="Url">As <see cref="DriverSettings.Url"/>.</param>
/// <param name="Directory">Its directory, absolute.</param>
public sealed record FileDriverSettings(string Url, string Directory) : DriverSettings(Url)
{
    /// <summary>A repository in a directory.</summary>
    /// <param name="directory">Absolute.</param>
    public static FileDriverSettings Of(string directory) =>
        new("file://" + RepositoryUrl.Escaped(directory), directory);

    /// <inheritdoc/>
    public override StoreOptions ToOptions() => new FileStoreOptions(Directory);

    internal override string Place => "file:" + Directory;

    internal override string? Fault() => ToOptions().Fault();
}
