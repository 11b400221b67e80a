using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pitr.Format.Catalog;

/// <summary>Times in documents: ISO 8601 in UTC with the letter Z, up to 100 ns. Reading accepts any offset but never a time without one.</summary>
sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
{
    const string Pattern = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'";

    public static string ToText(DateTimeOffset time) => time.UtcDateTime.ToString(Pattern, CultureInfo.InvariantCulture);

    public static bool TryParse(string? text, out DateTimeOffset time)
    {
        time = default;
        return text is not null
            && DateTimeOffset.TryParseExact(
                text,
                [Pattern, "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz"],
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
                out time);
    }

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && TryParse(reader.GetString(), out var time)
            ? time
            : throw new JsonException("expected a time such as 2026-11-21T03:15:00Z");

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) => writer.WriteStringValue(ToText(value));
}
