namespace Pitr.Storage.Ftp;

/// <summary>One line of a directory's listing.</summary>
/// <param name="Name">The name without the directory.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Size">Bytes of a file, 0 otherwise.</param>
/// <param name="Modified">When it was last written, by the server's clock.</param>
readonly record struct FtpEntry(string Name, FtpEntryKind Kind, long Size, DateTimeOffset Modified)
{
    /// <summary>Whether it is the name of an upload that is not done.</summary>
    public bool IsTemporary => Name.StartsWith(ObjectKey.ReservedPrefix, StringComparison.Ordinal);
}
