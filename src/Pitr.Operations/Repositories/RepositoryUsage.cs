using Pitr.Format.Layout;

namespace Pitr.Operations.Repositories;

/// <summary>What one kind of object of one service takes.</summary>
/// <param name="Service">The service's name; null for what belongs to the repository itself.</param>
/// <param name="Kind">What the objects are for.</param>
/// <param name="Objects">How many.</param>
/// <param name="Bytes">What they take, as stored.</param>
/// <param name="Oldest">When the oldest was put, by the store's clock.</param>
/// <param name="Newest">When the newest was put.</param>
public sealed record RepositoryUsage(string? Service, RepositoryKeyKind Kind, long Objects, long Bytes, DateTimeOffset Oldest, DateTimeOffset Newest);
