using System.Collections.Concurrent;

namespace Pitr.Operations.Restore;

/// <summary>
/// Buffers for whole packs, of the size of the largest. The shared pool would round them up to a power of two and keep some for every thread that
/// ever had one.
/// </summary>
/// <param name="size">Bytes.</param>
sealed class FetchBuffers(int size)
{
    readonly ConcurrentBag<byte[]> _free = [];

    /// <summary>A buffer of nobody else's.</summary>
    public Rented Rent() => new(this, _free.TryTake(out var buffer) ? buffer : GC.AllocateUninitializedArray<byte>(size));

    /// <summary>A buffer until it is disposed.</summary>
    public sealed class Rented(FetchBuffers owner, byte[] buffer) : IDisposable
    {
        int _isReturned;

        /// <summary>Its bytes.</summary>
        public byte[] Bytes => buffer;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isReturned, 1) == 0)
            {
                owner._free.Add(buffer);
            }
        }
    }
}
