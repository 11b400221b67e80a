using System.Buffers;
using Pitr.Format.Keys;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Postgres.Wal;

namespace Pitr.Operations.Archive;

/// <summary>A file of pg_wal, ready for a repository.</summary>
/// <param name="Bytes">The sealed object. Not to be used after <see cref="Return"/>.</param>
/// <param name="Fingerprint">Of what is in it, 16 bytes.</param>
/// <param name="Damage">Where its records stop making sense; null when they do to their end. A .partial file ends somewhere by nature.</param>
sealed record SealedWalFile(ReadOnlyMemory<byte> Bytes, byte[] Fingerprint, WalDamage? Damage)
{
    // The collector would let several such objects come together before it takes them away: so their memory is used again.
    const int Large = 32 << 20;

    // New memory for each costs as much as reading the segment. The pool rounds up, so larger ones are left to the collector.
    const int Pooled = 4 << 20;

    byte[]? _lent;
    byte[]? _pooled;

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
        var bound = SealedObject.SealBound(file.Length);
        if (file.Length >= Large)
        {
            var lent = budget.RentObject(bound);
            var (length, header, damage) = Seal(file, key, level, lent, budget);
            return new SealedWalFile(lent.AsMemory(0, length), header.Fingerprint, damage) { _lent = lent };
        }

        var grown = budget.Rent(bound);
        try
        {
            var (length, header, damage) = Seal(file, key, level, grown.Span, budget);
            // A copy: an object is usually a small part of what it might have been, and may be on its way for long.
            var copy = length <= Pooled ? ArrayPool<byte>.Shared.Rent(length) : GC.AllocateUninitializedArray<byte>(length);
            grown.Span[..length].CopyTo(copy);
            return new SealedWalFile(copy.AsMemory(0, length), header.Fingerprint, damage) { _pooled = length <= Pooled ? copy : null };
        }
        finally
        {
            budget.Return(grown);
        }
    }

    /// <summary>Lets the next one use its memory. Only when every write of it has succeeded: one that was given up may still be reading.</summary>
    public void Return(PushBudget budget)
    {
        if (Interlocked.Exchange(ref _lent, null) is { } lent)
        {
            budget.ReturnObject(lent);
        }

        if (Interlocked.Exchange(ref _pooled, null) is { } pooled)
        {
            ArrayPool<byte>.Shared.Return(pooled);
        }
    }

    static (int Length, SealedObjectHeader Header, WalDamage? Damage) Seal(WalFile file, DataKey key, int level, Span<byte> grown, PushBudget budget)
    {
        var plain = budget.Rent(file.Length);
        try
        {
            var content = plain.Span;
            file.Read(content);
            var (commits, damage) = Walk(file, content);
            var header = SealedObjectHeader.Create(SealedObjectKind.Wal, SealedObjectCodec.Zstd, key.Id) with
            {
                Fingerprint = WalFingerprint.Compute(file.Header?.SystemIdentifier ?? 0, file.Name, content),
                PlaintextLength = content.Length,
                FirstCommit = commits.First,
                LastCommit = commits.Last,
            };
            return (SealedObject.SealInto(content, key, header, level, grown), header, file.Name.Kind == WalFileKind.Segment ? damage : null);
        }
        finally
        {
            budget.Return(plain);
        }
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
