using System.Runtime.InteropServices;

namespace Pitr.Storage;

/// <summary>Content held in memory.</summary>
sealed class MemoryObjectContent(ReadOnlyMemory<byte> memory) : ObjectContent
{
    public override long Length => memory.Length;

    internal override bool IsAtHand => true;

    public override Stream OpenRead() =>
        MemoryMarshal.TryGetArray(memory, out var segment)
            ? new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false)
            : new MemoryStream(memory.ToArray(), writable: false);

    public override bool TryGetMemory(out ReadOnlyMemory<byte> result)
    {
        result = memory;
        return true;
    }
}
