using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Wal;

namespace Pitr.Format.Tests;

/// <summary>Fixed keys and contents, so that golden files can be written once and every failure can be repeated.</summary>
static class Samples
{
    public static readonly DateTimeOffset Time = new(2026, 11, 21, 3, 15, 0, TimeSpan.Zero);

    public static readonly ServiceName Service = ServiceName.Parse("main");

    public static readonly BackupId Backup = new(Time);

    public const ulong SystemIdentifier = 7_312_345_678_901_234_567;

    public static readonly WalFileName Segment = WalFileName.Parse("0000000100000000000000A1");

    public static DataKey Key() => new(DataKeyId.Parse("000102030405060708090a0b0c0d0e0f"), Sequence(32, 0x40), Time);

    public static DataKey OtherKey() => new(DataKeyId.Parse("000102030405060708090a0b0c0d0e0f"), Sequence(32, 0x41), Time);

    public static byte[] Sequence(int length, int first)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
        {
            bytes[i] = (byte)(first + i);
        }

        return bytes;
    }

    /// <summary>Bytes no compressor makes smaller, the same in every run.</summary>
    public static byte[] Incompressible(int length, uint seed = 1)
    {
        var state = 0x9E3779B9u ^ seed;
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
        {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            bytes[i] = (byte)(state >> 11);
        }

        return bytes;
    }

    /// <summary>Bytes that compress about as well as WAL does.</summary>
    public static byte[] Compressible(int length)
    {
        var bytes = Incompressible(length, 7);
        for (var i = 0; i < length; i++)
        {
            if (i % 64 >= 20)
            {
                bytes[i] = (byte)(i >> 9);
            }
        }

        return bytes;
    }

    public static string GoldenPath(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", name);

    public static byte[] Golden(string name) => File.ReadAllBytes(GoldenPath(name));
}
