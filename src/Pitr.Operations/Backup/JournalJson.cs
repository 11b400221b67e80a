using System.Text.Json.Serialization;

namespace Pitr.Operations.Backup;

[JsonSerializable(typeof(JournalLine))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
sealed partial class JournalJson : JsonSerializerContext;
