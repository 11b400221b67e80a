using Pitr.Format.Catalog;

namespace Pitr.Operations.Verify;

/// <summary>A dump that is complete in one repository.</summary>
/// <param name="Document">Its entry.</param>
/// <param name="Parts">Its parts, by number.</param>
/// <param name="Streams">The mark of each of its streams as a whole: whether all of its parts together were what the entry says.</param>
/// <param name="Mark">Mark of manifest, digests and entry; null when one of them is not there.</param>
sealed record CatalogedDump(DumpDocument Document, IReadOnlyList<DumpPartFacts> Parts, IReadOnlyList<ulong> Streams, ulong? Mark);
