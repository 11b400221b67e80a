using System.Text.Json.Serialization;

namespace Pitr.Operations.Dumps.Qdrant;

/// <summary>How the JSON of Qdrant's HTTP API is read, and what this host notes of it.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(QdrantAnswer.Root), TypeInfoPropertyName = "Root")]
[JsonSerializable(typeof(QdrantAnswer.Collections), TypeInfoPropertyName = "Collections")]
[JsonSerializable(typeof(QdrantAnswer.Collection), TypeInfoPropertyName = "Collection")]
[JsonSerializable(typeof(QdrantAnswer.Cluster), TypeInfoPropertyName = "Cluster")]
[JsonSerializable(typeof(QdrantAnswer.SnapshotMade), TypeInfoPropertyName = "SnapshotMade")]
[JsonSerializable(typeof(QdrantAnswer.Snapshots), TypeInfoPropertyName = "Snapshots")]
[JsonSerializable(typeof(QdrantAnswer.Counted), TypeInfoPropertyName = "Counted")]
[JsonSerializable(typeof(QdrantAnswer.Aliases), TypeInfoPropertyName = "Aliases")]
[JsonSerializable(typeof(QdrantAnswer.Done), TypeInfoPropertyName = "Done")]
[JsonSerializable(typeof(QdrantTrail))]
sealed partial class QdrantJson : JsonSerializerContext;
