using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pitr.Operations.Dumps.Redis.InPlace;

[JsonSerializable(typeof(RedisJournal))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower, WriteIndented = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
sealed partial class RedisJournalJson : JsonSerializerContext;
