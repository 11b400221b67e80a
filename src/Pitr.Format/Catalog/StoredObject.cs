namespace Pitr.Format.Catalog;

/// <summary>An object of the repository as it is stored, i.e. compressed and sealed.</summary>
/// <param name="Key">Key in the repository.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">SHA-256 of the stored bytes, 64 lower-case hexadecimal digits, as sha256sum prints it.</param>
public sealed record StoredObject(string Key, long Size, string Sha256);
