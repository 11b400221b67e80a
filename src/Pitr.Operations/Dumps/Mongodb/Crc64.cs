using System.Buffers.Binary;

namespace Pitr.Operations.Dumps.Mongodb;

/// <summary>CRC-64 with the polynomial of ECMA-182, reflected, begun and ended with all bits turned ("CRC-64/XZ"); eight bytes at a time.</summary>
struct Crc64
{
    const ulong Polynomial = 0xC96C5795D7870F42;
    const int Slices = 8;
    const int TableSize = 256;

    static readonly ulong[] Tables = MakeTables();

    ulong _turned;

    /// <summary>The checksum of everything so far; 0 of nothing.</summary>
    public readonly ulong Value => _turned;

    /// <summary>More has come.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        var crc = ~_turned;
        while (bytes.Length >= Slices)
        {
            crc ^= BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            var next = 0UL;
            for (var slice = 0; slice < Slices; slice++)
            {
                next ^= Tables[((Slices - 1 - slice) * TableSize) + (byte)(crc >> (8 * slice))];
            }

            crc = next;
            bytes = bytes[Slices..];
        }

        foreach (var value in bytes)
        {
            crc = Tables[(byte)crc ^ value] ^ (crc >> 8);
        }

        _turned = ~crc;
    }

    static ulong[] MakeTables()
    {
        var tables = new ulong[Slices * TableSize];
        for (var value = 0; value < TableSize; value++)
        {
            var crc = (ulong)value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ Polynomial : crc >> 1;
            }

            tables[value] = crc;
        }

        for (var i = TableSize; i < tables.Length; i++)
        {
            var before = tables[i - TableSize];
            tables[i] = tables[(byte)before] ^ (before >> 8);
        }

        return tables;
    }
}
