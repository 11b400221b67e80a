using System.Text.Json;
using System.Text.Json.Serialization;
using Pitr.Format.Wal;

namespace Pitr.Format.Catalog;

/// <summary>LSNs in documents: PostgreSQL's text form.</summary>
sealed class LsnConverter : JsonConverter<Lsn>
{
    public override Lsn Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && Lsn.TryParse(reader.GetString(), out var lsn)
            ? lsn
            : throw new JsonException("expected an LSN such as 16/B374D848");

    public override void Write(Utf8JsonWriter writer, Lsn value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
