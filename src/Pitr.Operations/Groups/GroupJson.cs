using System.Text.Json.Serialization;

namespace Pitr.Operations.Groups;

[JsonSerializable(typeof(GroupJournal))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower, WriteIndented = true, UseStringEnumConverter = true)]
sealed partial class GroupJson : JsonSerializerContext;
