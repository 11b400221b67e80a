using FsCheck;
using FsCheck.Fluent;
using Pitr.Postgres.Wal;

namespace Pitr.Postgres.Tests.Wal;

public class WalCommitScannerTests
{
    [Fact]
    public void Finds_earliest_and_latest_whatever_their_order()
    {
        var wal = new SyntheticWal();
        wal.Commit(500);
        wal.Other(100);
        wal.Commit(300, info: 0x30);
        wal.Commit(400, withOrigin: true, info: 0x80);

        Assert.Equal(new WalCommitTimes(300, 500), Scan(wal));
    }

    [Fact]
    public void Counts_neither_aborts_nor_prepares_nor_other_resource_managers()
    {
        var wal = new SyntheticWal();
        wal.Commit(1, info: 0x10);
        wal.Commit(2, info: 0x20);
        wal.Commit(3, info: 0x40);
        wal.Other(50, resourceManager: 0, info: 0x10);

        Assert.True(Scan(wal).IsNone);
    }

    [Fact]
    public void Steps_over_the_rest_of_a_record_of_the_segment_before()
    {
        foreach (var continued in (int[])[1, 8, 5000, 8152, 8153, 30_000])
        {
            var wal = new SyntheticWal(continued);
            wal.Commit(77);
            Assert.Equal(new WalCommitTimes(77, 77), Scan(wal));
        }
    }

    [Fact]
    public void Finds_nothing_in_a_segment_that_is_all_one_record()
    {
        var wal = new SyntheticWal(continued: 2 << 20);
        Assert.True(wal.IsFull);
        Assert.True(Scan(wal).IsNone);
    }

    [Fact]
    public void Reads_commits_wherever_they_cross_a_page()
    {
        // Moves the commit by 8 bytes each time over the border between two pages: header split, time split, nothing split.
        for (var fill = 8000; fill < 8192; fill += 8)
        {
            var wal = new SyntheticWal();
            wal.Other(fill - 40 - 24);
            wal.Commit(fill, subtransactions: 3);
            wal.Commit(fill + 1);
            Assert.Equal(new WalCommitTimes(fill, fill + 1), Scan(wal));
        }
    }

    [Fact]
    public void Goes_on_behind_a_record_lost_in_a_crash()
    {
        var wal = new SyntheticWal();
        wal.Commit(10);
        wal.LoseRecord(bodyLength: 20_000);
        wal.Commit(20);
        wal.Other(9000);
        wal.Commit(30);

        Assert.Equal(new WalCommitTimes(10, 30), Scan(wal));
    }

    [Fact]
    public void Stops_behind_a_switch()
    {
        var wal = new SyntheticWal();
        wal.Commit(10);
        wal.Switch();
        wal.Commit(20);

        Assert.Equal(new WalCommitTimes(10, 10), Scan(wal));
    }

    [Fact]
    public void Does_not_count_a_commit_that_ends_in_the_next_segment()
    {
        var wal = new SyntheticWal();
        wal.Commit(5);
        while (wal.Position < (1 << 20) - 12_000)
        {
            wal.Other(4000);
        }

        Assert.False(wal.Commit(9, subtransactions: 10_000));
        Assert.Equal(new WalCommitTimes(5, 5), Scan(wal));
    }

    [Fact]
    public void Ends_at_a_commit_with_a_wrong_checksum_as_recovery_does()
    {
        var wal = new SyntheticWal();
        wal.Commit(5);
        var damaged = wal.Position;
        wal.Commit(6);
        wal.Bytes[wal.Position - 1] ^= 1;
        wal.Commit(7);

        Assert.Equal(new WalCommitTimes(5, 5), WalCommitScanner.Walk(wal.Segment, wal.Header, out var edges));
        Assert.Equal(wal.Header.PageAddress + (ulong)((damaged + 7) & ~7), edges.Damage!.Position);
        Assert.Contains("checksum", edges.Damage.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Ignores_what_an_earlier_use_of_the_file_left_behind()
    {
        var earlier = new SyntheticWal();
        for (var time = 1000; !earlier.IsFull && earlier.Commit(time, subtransactions: 20); time++)
        {
        }

        // A recycled file: the new content ends on the third page, the pages behind it carry the address of another segment.
        var wal = new SyntheticWal();
        wal.Commit(1);
        wal.Other(20_000);
        wal.Commit(2);
        var stale = (wal.Position + 8191) / 8192 * 8192;
        earlier.Segment[stale..].CopyTo(wal.Bytes.AsSpan(stale));
        for (var page = stale; page < wal.Bytes.Length; page += 8192)
        {
            wal.Bytes[page + 11] ^= 0x10;
        }

        Assert.Equal(new WalCommitTimes(1, 2), Scan(wal));
    }

    [Fact]
    public void Agrees_with_any_sequence_of_records()
    {
        var record = Gen.Zip(Gen.Choose(0, 9000), Gen.Choose(0, 2));
        Prop.ForAll(Gen.ListOf(record).ToArbitrary(), records =>
        {
            var wal = new SyntheticWal();
            var times = new List<long>();
            var time = 1_000_000L;
            foreach (var (size, kind) in records)
            {
                time += (size * 7919 % 1000) - 400;
                if (kind == 0)
                {
                    wal.Other(size);
                }
                else if (wal.Commit(time, subtransactions: size / 40))
                {
                    times.Add(time);
                }
            }

            var expected = times.Count == 0 ? WalCommitTimes.None : new WalCommitTimes(times.Min(), times.Max());
            return Scan(wal) == expected;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(200));
    }

    [Fact]
    public void Throws_on_no_damage_and_no_truncation()
    {
        var random = new Random(20261121);
        var wal = new SyntheticWal(continued: 3000);
        for (var i = 0; i < 40; i++)
        {
            wal.Other(random.Next(3000));
            wal.Commit(i + 1, subtransactions: random.Next(500));
        }

        var header = wal.Header;
        for (var round = 0; round < 5000; round++)
        {
            var damaged = wal.Bytes.AsSpan(0, Math.Min(wal.Position + 100, wal.Bytes.Length)).ToArray();
            for (var change = random.Next(1, 20); change > 0; change--)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            _ = WalCommitScanner.Scan(damaged.AsSpan(0, random.Next(damaged.Length)), header);
        }
    }

    [Fact]
    public void Counts_what_ends_before_the_bytes_do_also_on_their_last_page()
    {
        var random = new Random(5);
        var wal = new SyntheticWal();
        for (var time = 1; time < 200; time++)
        {
            wal.Other(random.Next(1500));
            wal.Commit(time, subtransactions: random.Next(3) == 0 ? random.Next(3000) : 0);
            // Records are followed by up to 7 bytes of padding.
            Assert.Equal(time, WalCommitScanner.Scan(wal.Bytes.AsSpan(0, wal.Position), wal.Header).Last);
            Assert.Equal(time - 1, WalCommitScanner.Scan(wal.Bytes.AsSpan(0, wal.Position - 8), wal.Header).Last);
        }
    }

    [Fact]
    public void Following_a_segment_finds_what_scanning_all_of_it_finds()
    {
        var random = new Random(7);
        for (var round = 0; round < 20; round++)
        {
            var wal = new SyntheticWal(continued: round % 3 * 20_000);
            for (var time = 1; !wal.IsFull; time++)
            {
                wal.Other(random.Next(random.Next(20) == 0 ? 60_000 : 1500));
                wal.Commit(random.Next(1000) + time, subtransactions: random.Next(5) == 0 ? random.Next(6000) : 0);
            }

            var follower = new WalCommitFollower();
            for (var end = 40; end < wal.Bytes.Length; end += random.Next(1, 9000))
            {
                Assert.Equal(WalCommitScanner.Scan(wal.Bytes.AsSpan(0, end), wal.Header), follower.Scan(wal.Bytes.AsSpan(0, end), wal.Header));
            }

            Assert.Equal(Scan(wal), follower.Scan(wal.Bytes, wal.Header));
        }
    }

    static WalCommitTimes Scan(SyntheticWal wal) => WalCommitScanner.Scan(wal.Segment, wal.Header);
}
