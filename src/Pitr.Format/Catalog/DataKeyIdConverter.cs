using System.Text.Json;
using System.Text.Json.Serialization;
using Pitr.Format.Keys;

namespace Pitr.Format.Catalog;

/// <summary>Data key ids in documents: 32 lower-case hexadecimal digits.</summary>
sealed class DataKeyIdConverter : JsonConverter<DataKeyId>
{
    public override DataKeyId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && DataKeyId.TryParse(reader.GetString(), out var id)
            ? id
            : throw new JsonException("expected a data key id of 32 lower-case hexadecimal digits");

    public override void Write(Utf8JsonWriter writer, DataKeyId value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
