namespace Pitr.Operations.Dumps.Redis.InPlace;

/// <summary>A file or directory of the old data, and its name aside, in the same directory.</summary>
/// <param name="Place">Absolute.</param>
/// <param name="Aside">Absolute.</param>
public sealed record RedisMove(string Place, string Aside);
