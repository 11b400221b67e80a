using Pitr.Format.Keys;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Postgres.Wal;

namespace Pitr.Operations.Archive;

/// <summary>A file of pg_wal, ready for a repository.</summary>
/// <param name="Bytes">The sealed object.</param>
/// <param name="Fingerprint">Of what is in it, 16 bytes.</param>
/// <param name="Damage">Where a segment cannot be read as WAL any further; null when it can to its end.</param>
sealed record SealedWalFile(byte[] Bytes, byte[] Fingerprint, WalDamage? Damage)
{
    /// <summary>Most memory that <see cref="Make"/> takes, in bytes: the file and, beside it, the object while it grows.</summary>
    /// <param name="length">Of the file, in bytes.</param>
    public static long MemoryNeeded(int length) => length + (long)SealedObject.SealBound(length);

    /// <summary>Reads, inspects, compresses and seals a file. Keeps a processor busy and waits for nothing.</summary>
    /// <param name="file">The file.</param>
    /// <param name="key">What it is sealed with.</param>
    /// <param name="level">zstd level.</param>
    /// <param name="budget">Lends the buffers.</param>
    /// <inheritdoc cref="WalFile.Read" path="/exception"/>
    public static SealedWalFile Make(WalFile file, DataKey key, int level, PushBudget budget)
    {
        var plain = budget.Rent(file.Length);
        var grown = budget.Rent(SealedObject.SealBound(file.Length));
        try
        {
            var content = plain.Span;
            file.Read(content);
            var before = file.Header is null ? null : WalSegmentTail.ReadBefore(file.Path, content, file.Header);
            return Make(file.Name, file.Header, before, content, key, level, grown.Span);
        }
        finally
        {
            budget.Return(plain);
            budget.Return(grown);
        }
    }

    /// <summary>Inspects, compresses and seals what is in memory.</summary>
    /// <param name="name">The file's name.</param>
    /// <param name="walHeader">What its first page says; null for text.</param>
    /// <param name="before">The end of the segment before, where a record goes on in this one; null when it is not at hand.</param>
    /// <param name="content">All of it.</param>
    /// <param name="key">What it is sealed with.</param>
    /// <param name="level">zstd level.</param>
    /// <param name="grown">Room, at least <see cref="SealedObject.SealBound"/> bytes.</param>
    public static SealedWalFile Make(
        WalFileName name, WalSegmentHeader? walHeader, WalSegmentEdges? before, ReadOnlySpan<byte> content, DataKey key, int level, Span<byte> grown)
    {
        WalSegmentEdges? edges = null;
        var commits = walHeader is null ? default : WalCommitScanner.Walk(content, walHeader, out edges, before);
        var header = SealedObjectHeader.Create(SealedObjectKind.Wal, SealedObjectCodec.Zstd, key.Id) with
        {
            Fingerprint = WalFingerprint.Compute(walHeader?.SystemIdentifier ?? 0, name, content),
            PlaintextLength = content.Length,
            FirstCommit = commits.First,
            LastCommit = commits.Last,
        };
        var length = SealedObject.SealInto(content, key, header, level, grown);
        // A copy: an object is usually a small part of what it might have been, and may be on its way for long.
        return new SealedWalFile(grown[..length].ToArray(), header.Fingerprint, edges?.Damage);
    }
}
