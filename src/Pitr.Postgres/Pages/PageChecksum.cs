using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Pitr.Postgres.Pages;

/// <summary>
/// The checksum of data pages: 32 interleaved FNV-1a-like sums, folded (pg_checksum_page() of src/include/storage/checksum_impl.h, the same in
/// PostgreSQL 14 to 18).
/// </summary>
public static class PageChecksum
{
    const int Sums = 32;
    const int Lanes = 8;
    const uint Prime = 16777619;
    const uint WithoutChecksum = 0xFFFF0000;

    internal static readonly uint[] Bases =
    [
        0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
        0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
        0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
        0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756,
    ];

    /// <summary>What the page's header should hold.</summary>
    /// <param name="page">One page; its length is a multiple of 128 bytes.</param>
    /// <param name="block">Its number in the relation, over all of its files.</param>
    /// <returns>1 to 65535.</returns>
    public static ushort Compute(ReadOnlySpan<byte> page, uint block)
    {
        var words = MemoryMarshal.Cast<byte, uint>(page);
        var bases = Bases.AsSpan();
        var a = Vector256.Create(bases);
        var b = Vector256.Create(bases[Lanes..]);
        var c = Vector256.Create(bases[(2 * Lanes)..]);
        var d = Vector256.Create(bases[(3 * Lanes)..]);
        // The third word begins with the checksum itself, which counts as zero.
        var mask = Vector256.Create(uint.MaxValue, uint.MaxValue, WithoutChecksum, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue);
        for (var i = 0; i < words.Length; i += Sums)
        {
            var row = words[i..];
            a = Add(a, Vector256.Create(row) & mask);
            b = Add(b, Vector256.Create(row[Lanes..]));
            c = Add(c, Vector256.Create(row[(2 * Lanes)..]));
            d = Add(d, Vector256.Create(row[(3 * Lanes)..]));
            mask = Vector256<uint>.AllBitsSet;
        }

        for (var round = 0; round < 2; round++)
        {
            a = Add(a, Vector256<uint>.Zero);
            b = Add(b, Vector256<uint>.Zero);
            c = Add(c, Vector256<uint>.Zero);
            d = Add(d, Vector256<uint>.Zero);
        }

        var folded = a ^ b ^ c ^ d;
        var sum = 0u;
        for (var lane = 0; lane < Lanes; lane++)
        {
            sum ^= folded[lane];
        }

        return (ushort)(((sum ^ block) % 65535) + 1);
    }

    static Vector256<uint> Add(Vector256<uint> sum, Vector256<uint> value)
    {
        var mixed = sum ^ value;
        return (mixed * Prime) ^ (mixed >>> 17);
    }
}
