using System.Buffers.Binary;

namespace Pitr.Postgres.Wal;

/// <summary>Takes fields off the front of bytes that may be damaged: what is not there makes <see cref="IsShort"/> true and reads as zero.</summary>
ref struct WalBytes(ReadOnlySpan<byte> rest)
{
    ReadOnlySpan<byte> _rest = rest;

    public readonly int Length => _rest.Length;

    public bool IsShort { get; private set; }

    public byte Byte() => Take(1) is [var value] ? value : (byte)0;

    public ushort UInt16() => Take(sizeof(ushort)) is { IsEmpty: false } bytes ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : (ushort)0;

    public uint UInt32() => Take(sizeof(uint)) is { IsEmpty: false } bytes ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;

    public long Int64() => Take(sizeof(long)) is { IsEmpty: false } bytes ? BinaryPrimitives.ReadInt64LittleEndian(bytes) : 0;

    /// <summary>Empty when there are not so many.</summary>
    public ReadOnlySpan<byte> Take(long count)
    {
        if (count < 0 || count > _rest.Length)
        {
            IsShort = true;
            _rest = default;
            return default;
        }

        var taken = _rest[..(int)count];
        _rest = _rest[(int)count..];
        return taken;
    }

    /// <summary>A count of items, then the items.</summary>
    public ReadOnlySpan<byte> Items(int itemSize) => Take((long)UInt32() * itemSize);
}
