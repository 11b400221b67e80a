using Pitr.Format.Catalog;

namespace Pitr.Operations.Dumps;

/// <summary>One stream that is brought back.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Into">Name of the database, or path of the file, that it goes into; null for what belongs to the whole server.</param>
/// <param name="IsNew">Whether that is made, and removed again if the step fails.</param>
public sealed record DumpRestoreStep(DumpStreamRecord Stream, string? Into, bool IsNew);
