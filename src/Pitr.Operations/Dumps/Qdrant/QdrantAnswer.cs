using System.Text.Json;

namespace Pitr.Operations.Dumps.Qdrant;

/// <summary>What Qdrant's HTTP API answers, as its OpenAPI document names it; members that nobody asks for are left out.</summary>
static class QdrantAnswer
{
    /// <summary>GET /.</summary>
    public sealed record Root(string? Title, string? Version);

    /// <summary>GET /collections.</summary>
    public sealed record Collections(CollectionList? Result);

    /// <summary>The collections of a server.</summary>
    public sealed record CollectionList(IReadOnlyList<CollectionName>? Collections);

    /// <summary>One of them.</summary>
    public sealed record CollectionName(string? Name);

    /// <summary>GET /collections/NAME.</summary>
    public sealed record Collection(CollectionState? Result);

    /// <summary>What a collection holds, as far as the server knows at the moment, and how it is made.</summary>
    public sealed record CollectionState(long? PointsCount, CollectionConfig? Config);

    /// <summary>How a collection is made.</summary>
    public sealed record CollectionConfig(VectorParams? Params);

    /// <summary>Its vectors: one kind, or several by name; and its sparse vectors.</summary>
    public sealed record VectorParams(JsonElement? Vectors, JsonElement? SparseVectors);

    /// <summary>POST /collections/NAME/points/count.</summary>
    public sealed record Counted(PointCount? Result);

    /// <summary>How many points there are.</summary>
    public sealed record PointCount(long? Count);

    /// <summary>GET /aliases.</summary>
    public sealed record Aliases(AliasList? Result);

    /// <summary>The aliases of a server.</summary>
    public sealed record AliasList(IReadOnlyList<Alias>? Aliases);

    /// <summary>A second name of a collection.</summary>
    public sealed record Alias(string? AliasName, string? CollectionName);

    /// <summary>POST /collections/aliases.</summary>
    public sealed record Done(bool? Result);

    /// <summary>GET /cluster.</summary>
    public sealed record Cluster(ClusterState? Result);

    /// <summary>The servers of a cluster, by their number; none where the server is alone.</summary>
    public sealed record ClusterState(IReadOnlyDictionary<string, JsonElement>? Peers);

    /// <summary>POST /collections/NAME/snapshots.</summary>
    public sealed record SnapshotMade(QdrantSnapshot? Result);

    /// <summary>GET /collections/NAME/snapshots.</summary>
    public sealed record Snapshots(IReadOnlyList<QdrantSnapshot>? Result);
}
