using System.Globalization;
using System.Text.RegularExpressions;
using Pitr.Format.Wal;
using Pitr.Postgres.Sessions;
using Pitr.Postgres.Tests.Servers;
using Pitr.Postgres.Wal;

namespace Pitr.Postgres.Tests.Wal;

public class WalCommitScannerServerTests
{
    [Theory]
    [PostgresVersion(14)]
    [PostgresVersion(15)]
    [PostgresVersion(16)]
    [PostgresVersion(17)]
    [PostgresVersion(18)]
    public async Task Finds_the_times_the_server_remembers(int version)
    {
        await using var server = await WalServer.StartAsync(version, ("track_commit_timestamp", "on"));
        var session = server.Session;
        await session.ExecuteAsync("CREATE TABLE t (id int, filler text)");
        await session.SwitchWalAsync();

        var oldest = await server.ScalarAsync<uint>("SELECT pg_current_xact_id()::xid");
        await session.ExecuteAsync("BEGIN; INSERT INTO t VALUES (1, ''); PREPARE TRANSACTION 'p'");
        await session.ExecuteAsync("DO $$ BEGIN FOR i IN 1..200 LOOP BEGIN INSERT INTO t VALUES (i, repeat('x', 400)); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$");
        await session.ExecuteAsync("COMMIT PREPARED 'p'");
        await session.ExecuteAsync("INSERT INTO t SELECT i, repeat('y', 50) FROM generate_series(1, 500) i");
        var newest = await server.ScalarAsync<uint>("SELECT pg_current_xact_id()::xid");
        var segment = await session.SwitchWalAsync();

        var content = await File.ReadAllBytesAsync(Path.Combine(server.PgWal, segment.ToString()));
        var header = WalSegmentHeader.Parse(content);
        header.RequireMatches(segment, content.Length);
        var found = WalCommitScanner.Scan(content, header);

        Assert.Equal(version, header.MajorVersion);
        Assert.Equal(await server.ScalarAsync<DateTimeOffset>($"SELECT min(pg_xact_commit_timestamp(x::text::xid)) FROM generate_series({oldest}, {newest}) x"), WalCommitTimes.ToDateTimeOffset(found.First));
        Assert.Equal(await server.ScalarAsync<DateTimeOffset>($"SELECT max(pg_xact_commit_timestamp(x::text::xid)) FROM generate_series({oldest}, {newest}) x"), WalCommitTimes.ToDateTimeOffset(found.Last));
    }

    [Fact]
    public async Task Says_the_same_as_pg_waldump_of_every_segment()
    {
        await using var server = await WalServer.StartAsync(15, ("wal_level", "logical"));
        await WriteManyKindsOfRecordsAsync(server.Session);

        var compared = 0;
        foreach (var path in Directory.EnumerateFiles(server.PgWal))
        {
            if (!WalSegmentName.TryParse(Path.GetFileName(path), out var name))
            {
                continue;
            }

            // Alone in a directory, so that pg_waldump sees the end of this one segment only.
            var alone = Path.Combine(server.NewDirectory($"alone-{name}"), name.ToString());
            File.Copy(path, alone);
            var content = await File.ReadAllBytesAsync(alone);
            if (content.AsSpan(0, WalSegmentHeader.Size).IndexOfAnyExcept((byte)0) < 0)
            {
                continue;
            }

            var header = WalSegmentHeader.Parse(content);
            if (header.PageAddress != name.StartLsn(header.SegmentSize))
            {
                continue;
            }

            var expected = await WalDumpAsync(alone);
            Assert.Equal(expected, WalCommitScanner.Scan(content, header));
            compared += expected.IsNone ? 0 : 1;
        }

        Assert.InRange(compared, 5, 1000);
    }

    static async Task WriteManyKindsOfRecordsAsync(PostgresSession session)
    {
        var random = new Random(7);
        await session.ExecuteAsync("CREATE TABLE t (id int PRIMARY KEY, filler text)");
        await session.ExecuteAsync("SELECT pg_replication_origin_create('elsewhere'); SELECT pg_replication_origin_session_setup('elsewhere')");
        for (var i = 0; i < 400; i++)
        {
            await session.ExecuteAsync((i % 8) switch
            {
                0 => $"INSERT INTO t SELECT {i} * 1000 + g, repeat('x', {random.Next(1, 1500)}) FROM generate_series(1, {random.Next(1, 60)}) g",
                1 => $"BEGIN; INSERT INTO t VALUES ({i} * 1000 + 999, 'aborted'); ROLLBACK",
                2 => $"BEGIN; INSERT INTO t VALUES ({i} * 1000, 'prepared'); PREPARE TRANSACTION 'p{i}'",
                3 => $"COMMIT PREPARED 'p{i - 1}'",
                4 => $"DO $$ BEGIN FOR s IN 1..{random.Next(1, 300)} LOOP BEGIN INSERT INTO t VALUES ({i} * 1000 + s, ''); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$",
                5 => $"CREATE TABLE gone_{i} AS SELECT g FROM generate_series(1, 100) g; DROP TABLE gone_{i}",
                6 => $"SELECT pg_logical_emit_message(false, 'test', repeat('m', {random.Next(0, 60_000)}))",
                _ => random.Next(5) == 0 ? "SELECT pg_switch_wal()" : $"UPDATE t SET filler = filler || 'z' WHERE id % {random.Next(3, 50)} = 0",
            });
        }
    }

    static async Task<WalCommitTimes> WalDumpAsync(string segment)
    {
        var times = new List<long>();
        foreach (var line in await WalServer.DumpAsync(segment))
        {
            var match = Regex.Match(line, @"desc: COMMIT(?:_PREPARED)? (?:\d+: )?(?<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}) UTC", RegexOptions.None, TimeSpan.FromSeconds(10));
            if (match.Success)
            {
                times.Add(PostgresEpoch.ToMicroseconds(DateTimeOffset.ParseExact(
                    match.Groups["time"].Value, "yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal)));
            }
            else
            {
                Assert.DoesNotContain("desc: COMMIT", line, StringComparison.Ordinal);
            }
        }

        return times.Count == 0 ? WalCommitTimes.None : new WalCommitTimes(times.Min(), times.Max());
    }
}
