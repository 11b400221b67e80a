using Pitr.Format.Wal;
using Pitr.Postgres.Sessions;
using Pitr.Postgres.Tests.Servers;
using Pitr.Postgres.Wal;
using Pitr.Postgres.Wal.Catalogs;
using Pitr.Postgres.Wal.Events;
using Pitr.Postgres.Wal.Footprints;

namespace Pitr.Postgres.Tests.Wal;

/// <summary>Damaged WAL of every version: never a crash, never an event out of nothing, and the place is named.</summary>
public class WalFuzzTests
{
    const int Seed = 20261121;

    [Theory]
    [PostgresVersion(14)]
    [PostgresVersion(15)]
    [PostgresVersion(16)]
    [PostgresVersion(17)]
    [PostgresVersion(18)]
    public async Task Damage_anywhere_is_found_where_it_is_and_nothing_is_invented(int version)
    {
        var segment = await WriteSegmentAsync(version);
        var header = WalSegmentHeader.Parse(segment);
        var whole = Scan(segment, header, verify: true);
        Assert.Null(whole.Edges.Damage);
        Assert.True(whole.Events.Count > 50, $"{whole.Events.Count} events");
        FlipBytes(segment, header, whole);
        DamageAtRandom(segment, header, whole, new Random(Seed + version));
    }

    // Long and short page headers, and the records behind them: their headers, block references and data.
    static void FlipBytes(byte[] segment, WalSegmentHeader header, WalSegmentEvents whole)
    {
        var used = (int)(whole.Edges.LastRecord!.Value - header.PageAddress);
        var places = Enumerable.Range(WalSegmentHeader.Size, 1000)
            .Concat(Enumerable.Range(1, (used / header.BlockSize) - 1).SelectMany(page => Enumerable.Range(page * header.BlockSize, 48)));
        foreach (var place in places.Take(2500))
        {
            segment[place] ^= 0x40;
            var found = Scan(segment, header, verify: true);
            segment[place] ^= 0x40;
            RequireHonest(whole, found, header, place);
        }
    }

    static void DamageAtRandom(byte[] golden, WalSegmentHeader header, WalSegmentEvents whole, Random random)
    {
        for (var round = 0; round < 300; round++)
        {
            var segment = golden.AsSpan().ToArray();
            var bound = 0;
            switch (round % 3)
            {
                case 0:
                    for (var flips = random.Next(1, 30); flips > 0; flips--)
                    {
                        var place = random.Next(segment.Length);
                        segment[place] ^= (byte)(1 << random.Next(8));
                        // Bytes between records mean nothing, so the first may not matter.
                        bound = Math.Max(bound, place);
                    }

                    break;
                case 1:
                    bound = random.Next(segment.Length);
                    segment = segment[..bound];
                    break;
                default:
                    bound = random.Next(segment.Length);
                    segment.AsSpan(bound).Clear();
                    // What was zero already is not damaged.
                    bound += Math.Max(0, golden.AsSpan(bound).IndexOfAnyExcept((byte)0));
                    break;
            }

            RequireHonest(whole, Scan(segment, header, verify: true), header, bound);
            // What does not look at all checksums must not crash either, and a run of such segments neither.
            var run = new WalEventRun(WalEventKinds.All);
            run.Add(Scan(segment, header, verify: false), out _);
            run.Add(whole with { Edges = NextOf(whole.Edges) }, out _);
            _ = WalCommitScanner.Scan(segment, header, whole.Edges);
        }
    }

    static async Task<byte[]> WriteSegmentAsync(int version)
    {
        using var directory = new TestDirectory();
        await using var cluster = await ScratchClusters.CreateAsync(version, directory.Sub("c"), WalSegmentSize.From(1 << 20), settings: [("wal_keep_size", "1GB")]);
        await using var session = await PostgresSession.OpenAsync(cluster.ConnectionString());
        await session.SwitchWalAsync();
        for (var i = 0; i < 12; i++)
        {
            await session.ExecuteAsync($"CREATE TABLE t{i} (id int PRIMARY KEY, filler text)");
            await session.ExecuteAsync($"INSERT INTO t{i} SELECT g, repeat('x', 100) FROM generate_series(1, 100) g");
            await session.ExecuteAsync(i % 3 == 0 ? $"TRUNCATE t{i}" : i % 3 == 1 ? $"DROP TABLE t{i}" : $"SELECT pg_create_restore_point('p{i}')");
        }

        var segment = await session.SwitchWalAsync();
        return await File.ReadAllBytesAsync(Path.Combine(cluster.DataDirectory, "pg_wal", segment.ToString()));
    }

    [Fact]
    public void Records_of_nonsense_with_right_checksums_never_crash()
    {
        var random = new Random(Seed);
        foreach (var (version, magic) in new[] { (14, 0xD10D), (15, 0xD110), (16, 0xD113), (17, 0xD116), (18, 0xD118) })
        {
            var wal = new WalStream(magic: (ushort)magic);
            for (var i = 0; i < 3000; i++)
            {
                wal.Append(Pick<byte>(random, [0, 1, 2, 4, 7, 9, 10]), (byte)(random.Next(16) << 4), (uint)random.Next(1, 50), Body(random));
            }

            wal.Switch();
            var run = new WalEventRun(WalEventKinds.All);
            var tracker = new FootprintTracker(version);
            foreach (var (_, content) in wal.Segments())
            {
                foreach (var found in run.Add(Scan(content, WalSegmentHeader.Parse(content), verify: true), out _))
                {
                    tracker.Apply(found);
                }
            }
        }
    }

    // Half of them begin as records of a system catalog do, so that what is behind is looked at.
    static byte[] Body(Random random)
    {
        var rest = new byte[random.Next(0, 400)];
        random.NextBytes(rest);
        if (random.Next(2) == 0)
        {
            return rest.Length < 256 && random.Next(2) == 0 ? WalStream.MainData(rest) : rest;
        }

        var flags = (byte)((random.Next(2) * 0x10) | 0x20);
        var data = (ushort)random.Next(0, 100);
        byte[] block =
        [
            0, flags, .. BitConverter.GetBytes(data),
            .. (flags & 0x10) != 0 ? (byte[])[.. BitConverter.GetBytes((ushort)random.Next(0, 200)), .. BitConverter.GetBytes((ushort)random.Next(0, 9000)), (byte)random.Next(32)] : [],
            .. BitConverter.GetBytes(1663u), .. BitConverter.GetBytes(5u), .. BitConverter.GetBytes(Pick(random, [1259u, 2615u])), .. BitConverter.GetBytes((uint)random.Next(3)),
        ];
        return [.. block, 255, (byte)random.Next(40), .. rest];
    }

    static T Pick<T>(Random random, T[] items) => items[random.Next(items.Length)];

    // The walk ends with damage at or before the damaged place (its record may begin before), and what it found is the beginning of what there was.
    static void RequireHonest(WalSegmentEvents whole, WalSegmentEvents found, WalSegmentHeader header, int place)
    {
        var positions = found.Events.Select(e => (e.Position, e.GetType())).ToArray();
        Assert.Equal(whole.Events.Select(e => (e.Position, e.GetType())).Take(positions.Length), positions);
        if (found.Edges.Damage is { } damage)
        {
            Assert.InRange(damage.Position.Value, header.PageAddress.Value, header.PageAddress.Value + (ulong)header.SegmentSize.Bytes);
            // A page's timeline may grow, as far as one page can tell: that it was wrong shows at the next page, here as in PostgreSQL.
            var tolerance = place % header.BlockSize is >= 4 and < 8 ? header.BlockSize : 8;
            Assert.True(damage.Position.Value - header.PageAddress.Value <= (ulong)(place + tolerance), $"damage at byte {place} is reported at {damage.Position}");
            Assert.NotEmpty(damage.Reason);
        }
        else
        {
            Assert.Equal(whole.Events.Count, found.Events.Count);
        }
    }

    static WalSegmentEdges NextOf(WalSegmentEdges edges) => new()
    {
        Start = edges.End,
        End = new Lsn(edges.End.Value + (edges.End - edges.Start)),
        MajorVersion = edges.MajorVersion,
        Damage = null,
        FirstRecord = null,
        LastRecord = null,
    };

    static WalSegmentEvents Scan(byte[] segment, WalSegmentHeader header, bool verify) =>
        WalSegmentEvents.Scan(segment, header, WalEventKinds.All, new CatalogFiles(), verify);
}
