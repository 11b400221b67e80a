using System.Text.Json.Serialization;

namespace Pitr.Operations.Drill;

[JsonSerializable(typeof(DrillReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower, WriteIndented = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
sealed partial class DrillJson : JsonSerializerContext;
