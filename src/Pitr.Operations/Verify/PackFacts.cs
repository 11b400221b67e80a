namespace Pitr.Operations.Verify;

/// <summary>What backups say of a pack, and how it lies in the repository.</summary>
/// <param name="index">Number among the packs of the repository, from 0.</param>
/// <param name="key">Its key.</param>
/// <param name="size">Bytes, as the first entry that names it says.</param>
/// <param name="sha256">SHA-256, likewise.</param>
/// <param name="backup">That entry's backup.</param>
sealed class PackFacts(int index, string key, long size, string sha256, string backup)
{
    /// <summary>Number among the packs of the repository.</summary>
    public int Index => index;

    /// <summary>Its key.</summary>
    public string Key => key;

    /// <summary>Bytes.</summary>
    public long Size => size;

    /// <summary>SHA-256 of the whole, lower-case hexadecimal.</summary>
    public string Sha256 => sha256;

    /// <summary>A backup that needs it.</summary>
    public string Backup => backup;

    /// <summary>Its mark; null when it is not there, or has another size.</summary>
    public ulong? Mark { get; set; }

    /// <summary>Whether it is read: it is there, and was not verified lately.</summary>
    public bool IsDue { get; set; }

    /// <summary>Salt of its header, as a manifest says that was read; null when none did.</summary>
    public string? Salt { get; set; }
}
