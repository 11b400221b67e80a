namespace Pitr.Format.Layout;

/// <summary>
/// Whether a key has exactly the form that docs/format.md gives. <see cref="RepositoryKey"/> is wider where what lies in a place must not be overlooked under a
/// name that is slightly wrong.
/// </summary>
public static class RepositoryKeyForm
{
    const string Json = ".json";
    const string IdForm = "yyyyMMddTHHmmssZ";
    const string TimeForm = "yyyyMMddTHHmmss.fffZ";
    const string LowerHex = "0123456789abcdef";
    const int PackDigits = 6;

    /// <summary>Whether pitr itself would give an object this key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="place">What was read from it.</param>
    public static bool IsExact(string key, RepositoryKey place)
    {
        ArgumentNullException.ThrowIfNull(key);
        var name = key.AsSpan(key.LastIndexOf('/') + 1);
        return place.Kind switch
        {
            RepositoryKeyKind.Other => false,
            RepositoryKeyKind.Pack => name.Length == PackDigits && !name.ContainsAnyExceptInRange('0', '9') && key == $"{RepositoryLayout.PacksPrefix(place.Service!.Value, place.Backup!.Value)}{name}",
            RepositoryKeyKind.Drill => IsDrill(name[..^Json.Length]),
            RepositoryKeyKind.Audit => IsAudit(Without(name, RepositoryLayout.AuditBeginningSuffix, Json)),
            RepositoryKeyKind.Lock => name.EndsWith(Json, StringComparison.Ordinal) && name.Length > Json.Length && key.Length == RepositoryLayout.LocksPrefix(place.Service!.Value).Length + name.Length,
            _ => true,
        };
    }

    // Older versions gave no milliseconds, still older ones no random digits.
    static bool IsDrill(ReadOnlySpan<char> id) =>
        IsTimed(id, 4) || (id.Length >= IdForm.Length && BackupId.TryParse(id[..IdForm.Length], out _) && (id.Length == IdForm.Length || IsRandom(id[IdForm.Length..], 4)));

    static bool IsAudit(ReadOnlySpan<char> id) => IsTimed(id, 16) || IsTimed(id, 8);

    static bool IsTimed(ReadOnlySpan<char> id, int digits) =>
        id.Length > TimeForm.Length
        && BackupId.TryParse($"{id[..15]}Z", out _) && id[15] == '.' && !id.Slice(16, 3).ContainsAnyExceptInRange('0', '9') && id[19] == 'Z'
        && IsRandom(id[TimeForm.Length..], digits);

    static bool IsRandom(ReadOnlySpan<char> text, int digits) => text.Length == digits + 1 && text[0] == '-' && !text[1..].ContainsAnyExcept(LowerHex);

    static ReadOnlySpan<char> Without(ReadOnlySpan<char> name, string longer, string shorter) =>
        name[..^(name.EndsWith(longer, StringComparison.Ordinal) ? longer : shorter).Length];
}
