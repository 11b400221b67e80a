using System.Buffers.Binary;
using System.Numerics;

namespace Pitr.Postgres;

/// <summary>
/// CRC-32C (Castagnoli) as PostgreSQL computes it: start with all ones, complement at the end (src/include/port/pg_crc32c.h).
/// Uses the processor's instruction where there is one.
/// </summary>
static class Crc32C
{
    public const uint Start = 0xFFFF_FFFF;

    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        while (data.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[sizeof(ulong)..];
        }

        foreach (var value in data)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return crc;
    }

    public static uint Finish(uint crc) => ~crc;
}
