using System.Text.Json.Serialization;

namespace Pitr.Operations.Keys;

[JsonSerializable(typeof(CachedDataKey))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower)]
sealed partial class CachedDataKeyJson : JsonSerializerContext;
