namespace Pitr.Storage;

/// <summary>A part of an object.</summary>
public readonly record struct ByteRange
{
    /// <summary>A range of <paramref name="length"/> bytes from <paramref name="offset"/>, both 0 or more.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A negative value, or an end past <see cref="long.MaxValue"/>.</exception>
    public ByteRange(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, long.MaxValue - offset);
        Offset = offset;
        Length = length;
    }

    /// <summary>First byte, counted from 0.</summary>
    public long Offset { get; }

    /// <summary>Number of bytes.</summary>
    public long Length { get; }

    /// <summary>The first byte after the range.</summary>
    public long End => Offset + Length;

    /// <summary>As messages show it: <c>bytes 0..16</c>, the end excluded.</summary>
    public override string ToString() => $"bytes {Offset}..{End}";
}
