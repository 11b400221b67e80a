using Pitr.Format.Keys;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Postgres.Wal;

namespace Pitr.Operations.Archive;

/// <summary>A file of pg_wal, ready for a repository.</summary>
/// <param name="Bytes">The sealed object.</param>
/// <param name="Fingerprint">Of what is in it, 16 bytes.</param>
/// <param name="Damage">Where its records stop making sense; null when they do to their end. A .partial file ends somewhere by nature.</param>
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
            return Make(file, content, key, level, grown.Span);
        }
        finally
        {
            budget.Return(plain);
            budget.Return(grown);
        }
    }

    static SealedWalFile Make(WalFile file, ReadOnlySpan<byte> content, DataKey key, int level, Span<byte> grown)
    {
        var (commits, damage) = Walk(file, content);
        var header = SealedObjectHeader.Create(SealedObjectKind.Wal, SealedObjectCodec.Zstd, key.Id) with
        {
            Fingerprint = WalFingerprint.Compute(file.Header?.SystemIdentifier ?? 0, file.Name, content),
            PlaintextLength = content.Length,
            FirstCommit = commits.First,
            LastCommit = commits.Last,
        };
        var length = SealedObject.SealInto(content, key, header, level, grown);
        // A copy: an object is usually a small part of what it might have been, and may be on its way for long.
        return new SealedWalFile(grown[..length].ToArray(), header.Fingerprint, file.Name.Kind == WalFileKind.Segment ? damage : null);
    }

    static (WalCommitTimes Commits, WalDamage? Damage) Walk(WalFile file, ReadOnlySpan<byte> content)
    {
        if (file.Header is null)
        {
            return default;
        }

        var commits = WalCommitScanner.Walk(content, file.Header, out var edges, WalSegmentTail.ReadBefore(file.Path, content, file.Header));
        return (commits, edges.Damage);
    }
}
