using FsCheck;
using FsCheck.Fluent;
using Pitr.Format.Wal;

namespace Pitr.Format.Tests;

/// <summary>Generators of the domain's values.</summary>
static class Gens
{
    public static Gen<ulong> UInt64 =>
        from bits in Gen.Choose(0, 64)
        from a in Gen.Choose(0, 0xFFFF)
        from b in Gen.Choose(0, 0xFFFF)
        from c in Gen.Choose(0, 0xFFFF)
        from d in Gen.Choose(0, 0xFFFF)
        let all = ((ulong)a << 48) | ((ulong)b << 32) | ((ulong)c << 16) | (uint)d
        select bits == 64 ? all : all & ((1UL << bits) - 1);

    public static Gen<uint> UInt32 => UInt64.Select(value => (uint)value);

    public static Gen<Lsn> Lsn => UInt64.Select(value => new Lsn(value));

    public static Gen<Timeline> Timeline => UInt32.Select(value => new Timeline(Math.Max(1, value)));

    /// <summary>All eleven sizes.</summary>
    public static Gen<WalSegmentSize> SegmentSize => Gen.Choose(20, 30).Select(bits => WalSegmentSize.From(1L << bits));

    public static Gen<byte[]> Bytes(int maximum) =>
        from length in Gen.Choose(0, maximum)
        from seed in Gen.Choose(0, int.MaxValue)
        from compressible in Gen.Elements(true, false)
        select compressible ? Samples.Compressible(length) : Samples.Incompressible(length, (uint)seed);

    /// <summary>Text out of fragments, some of which a parser accepts.</summary>
    public static Gen<string> Text(params string[] fragments) =>
        Gen.Elements(fragments).ListOf().Select(parts => string.Concat(parts));

    public static void Holds<T>(Gen<T> generator, Func<T, bool> property, int runs = 500) =>
        Prop.ForAll(generator.ToArbitrary(), property).Check(Config.QuickThrowOnFailure.WithMaxTest(runs));

    public static void Holds<T>(Gen<T> generator, Action<T> property, int runs = 500) =>
        Prop.ForAll(generator.ToArbitrary(), property).Check(Config.QuickThrowOnFailure.WithMaxTest(runs));
}
