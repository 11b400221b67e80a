using System.Text.Json.Serialization;

namespace Pitr.Operations.Dumps.Mysql;

/// <summary>How accounts are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower, WriteIndented = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(MysqlAccounts))]
sealed partial class MysqlAccountsJson : JsonSerializerContext;
