using System.Text.Json.Serialization;

namespace Pitr.Operations.Services;

[JsonSerializable(typeof(LeaseDocument))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower, WriteIndented = true)]
sealed partial class LeaseJson : JsonSerializerContext;
