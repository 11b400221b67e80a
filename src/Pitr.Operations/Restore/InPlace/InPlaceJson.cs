using System.Text.Json.Serialization;

namespace Pitr.Operations.Restore.InPlace;

[JsonSerializable(typeof(InPlaceJournal))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower, WriteIndented = true, UseStringEnumConverter = true)]
sealed partial class InPlaceJson : JsonSerializerContext;
