using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Pitr.Format.Keys;

namespace Pitr.Format.Catalog;

/// <summary>
/// How the clear JSON documents of a repository are read and written: kebab-case names, indented, null members left out, unknown members
/// ignored, the <c>format</c> member checked before anything else.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    WriteIndented = true,
    NewLine = "\n",
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    Converters = [typeof(UtcTimeConverter), typeof(LsnConverter), typeof(DataKeyIdConverter)])]
[JsonSerializable(typeof(RepositoryDocument))]
[JsonSerializable(typeof(ServiceDocument))]
[JsonSerializable(typeof(BackupDocument))]
[JsonSerializable(typeof(KeyDocument))]
[JsonSerializable(typeof(AuditRecord))]
[JsonSerializable(typeof(AuditBeginning))]
[JsonSerializable(typeof(DumpDocument))]
[JsonSerializable(typeof(DumpManifest))]
sealed partial class DocumentJson : JsonSerializerContext
{
    const int SupportedFormat = 1;

    public static byte[] Write<T>(T document, JsonTypeInfo<T> type) => [.. DocumentDigest.Append(JsonSerializer.SerializeToUtf8Bytes(document, type)), (byte)'\n'];

    /// <param name="utf8">The document.</param>
    /// <param name="type">How to read it.</param>
    /// <param name="what">The document's name for messages, e.g. "backup document".</param>
    /// <exception cref="DamagedObjectException">Not JSON, or a member is missing or has the wrong type.</exception>
    /// <exception cref="UnsupportedFormatException">Written in a newer format.</exception>
    public static T Read<T>(ReadOnlySpan<byte> utf8, JsonTypeInfo<T> type, string what)
        where T : class
    {
        try
        {
            CheckFormat(utf8, what);
            return JsonSerializer.Deserialize(utf8, type) ?? throw new DamagedObjectException($"{what} is empty");
        }
        catch (JsonException e)
        {
            throw new DamagedObjectException($"{what} is damaged: {e.Message}", e);
        }
    }

    public static void Require(bool condition, string what, string problem)
    {
        if (!condition)
        {
            throw new DamagedObjectException($"{what} is damaged: {problem}");
        }
    }

    // Annotations are enforced for members, but not for the elements of collections.
    public static void RequireNoNull<T>(IEnumerable<T> items, string what, string member)
        where T : class
    {
        foreach (var item in items)
        {
            Require(item is not null, what, $"{member} has a null");
        }
    }

    static void CheckFormat(ReadOnlySpan<byte> utf8, string what)
    {
        var reader = new Utf8JsonReader(utf8);
        using var document = JsonDocument.ParseValue(ref reader);
        if (document.RootElement.ValueKind != JsonValueKind.Object
            || !document.RootElement.TryGetProperty("format", out var member)
            || member.ValueKind != JsonValueKind.Number || !member.TryGetInt32(out var format) || format < 1)
        {
            throw new DamagedObjectException($"{what} is damaged: it has no format number");
        }

        if (format > SupportedFormat)
        {
            throw new UnsupportedFormatException($"{what} has format {format}, this program supports up to {SupportedFormat}: use a newer pitr");
        }
    }
}
