namespace Pitr.Operations.Verify;

/// <summary>A part of a dump as its entry names it.</summary>
/// <param name="key">Its key.</param>
/// <param name="size">Bytes stored.</param>
/// <param name="sha256">SHA-256 of what is stored, lower-case hexadecimal.</param>
sealed class DumpPartFacts(string key, long size, string sha256)
{
    public string Key => key;

    public long Size => size;

    public string Sha256 => sha256;

    /// <summary>Its mark; null when it is not there, or has another size.</summary>
    public ulong? Mark { get; init; }

    /// <summary>Whether it is read.</summary>
    public bool IsDue { get; set; }
}
