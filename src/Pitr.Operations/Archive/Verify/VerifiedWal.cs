using Pitr.Format.Wal;
using Pitr.Postgres.Wal;

namespace Pitr.Operations.Archive.Verify;

/// <summary>What an authentic WAL file holds.</summary>
/// <param name="Fingerprint">Its fingerprint.</param>
/// <param name="Bytes">Its content, in bytes.</param>
/// <param name="Edges">What its walk left; null for what is no whole segment.</param>
/// <param name="History">The timeline's history; null for everything else.</param>
sealed record VerifiedWal(byte[] Fingerprint, int Bytes, WalSegmentEdges? Edges, TimelineHistory? History);
