using System.Numerics;

namespace Pitr.Storage.S3;

/// <summary>
/// The buffers of uploads, kept for the next ones. What is lent, which <see cref="BufferBudget"/> bounds, and what is kept are together never more than
/// the limit, whatever sizes follow each other; an <see cref="System.Buffers.ArrayPool{T}"/> bounds what it keeps for each size only.
/// </summary>
/// <param name="limit">Bytes.</param>
sealed class BufferPool(long limit)
{
    readonly Lock _lock = new();
    readonly List<byte[]> _kept = [];
    long _bytes;

    /// <summary>How long the buffer is that <see cref="Rent"/> gives: the next power of two.</summary>
    public static long SizeFor(long length) => (long)BitOperations.RoundUpToPowerOf2((ulong)length);

    /// <summary>A buffer of at least that length, with anything in it.</summary>
    public byte[] Rent(int length)
    {
        var size = (int)SizeFor(length);
        lock (_lock)
        {
            var fitting = _kept.FindIndex(buffer => buffer.Length == size);
            if (fitting >= 0)
            {
                var found = _kept[fitting];
                _kept.RemoveAt(fitting);
                return found;
            }

            while (_kept.Count > 0 && _bytes + size > limit)
            {
                _bytes -= _kept[0].Length;
                _kept.RemoveAt(0);
            }

            _bytes += size;
        }

        return GC.AllocateUninitializedArray<byte>(size);
    }

    /// <summary>Takes a buffer back.</summary>
    public void Return(byte[] buffer)
    {
        lock (_lock)
        {
            _kept.Add(buffer);
        }
    }
}
