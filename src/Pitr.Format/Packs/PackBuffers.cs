using System.Collections.Concurrent;

namespace Pitr.Format.Packs;

/// <summary>
/// Keeps a few pack-sized arrays for reuse. The shared pool would round 40 MiB up to 64 and allocate arrays of that size anew for every pack.
/// </summary>
static class PackBuffers
{
    public const int Size = 40 << 20;
    const int Kept = 4;

    static readonly ConcurrentBag<byte[]> Free = [];

    public static byte[] Rent() => Free.TryTake(out var buffer) ? buffer : GC.AllocateUninitializedArray<byte>(Size);

    /// <summary>Takes back a buffer; those of another size, or too many, are left to the garbage collector.</summary>
    public static void Return(byte[] buffer)
    {
        if (buffer.Length == Size && Free.Count < Kept)
        {
            Free.Add(buffer);
        }
    }
}
