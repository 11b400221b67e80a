using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pitr.Operations.Archive;

/// <summary>A <see cref="WorkBuffer"/> as memory that asynchronous code can hold on to. Only synchronous code may write to it: it can be unmapped.</summary>
sealed class SegmentMemory(int length, SegmentMemoryPool pool) : MemoryManager<byte>
{
    WorkBuffer? _buffer = pool.Take(length);

    /// <inheritdoc/>
    public override Span<byte> GetSpan() => (_buffer ?? throw new ObjectDisposedException(nameof(SegmentMemory))).Span[..length];

    /// <inheritdoc/>
    public override unsafe MemoryHandle Pin(int elementIndex = 0) =>
        new(Unsafe.Add<byte>(Unsafe.AsPointer(ref MemoryMarshal.GetReference(GetSpan())), elementIndex), pinnable: this);

    /// <inheritdoc/>
    public override void Unpin()
    {
        // It does not move.
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _buffer, null) is { } buffer)
        {
            pool.Give(buffer);
        }
    }
}
