namespace Pitr.Storage.Sftp;

/// <summary>An entry of a directory.</summary>
/// <param name="Name">Its name; <see langword="null"/> when it is not UTF-8, and so no part of a key.</param>
/// <param name="Attributes">What the server tells about it.</param>
readonly record struct SftpName(string? Name, SftpAttributes Attributes)
{
    /// <summary>The name as it sorts among keys: those below a directory have a slash next.</summary>
    public string SortName => Attributes.IsDirectory ? Name + "/" : Name!;
}
