using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using Pitr.Format.Wal;
using Pitr.Postgres.Sessions;
using Pitr.Postgres.Tests.Servers;
using Pitr.Postgres.Wal;
using Pitr.Postgres.Wal.Events;
using Pitr.Postgres.Wal.Footprints;

namespace Pitr.Postgres.Tests.Wal;

/// <summary>The walker over runs of real WAL, held against what the servers themselves say.</summary>
public class WalEventServerTests
{
    [Theory]
    [PostgresVersion(14)]
    [PostgresVersion(15)]
    [PostgresVersion(16)]
    [PostgresVersion(17)]
    [PostgresVersion(18)]
    public async Task Every_commit_is_seen_once_with_the_time_the_server_remembers(int version)
    {
        await using var server = await WalServer.StartAsync(version, ("track_commit_timestamp", "on"));
        var session = server.Session;
        await session.ExecuteAsync("CREATE TABLE t (id int, filler text)");
        var space = Directory.CreateTempSubdirectory("pitr-space-").FullName;
        await session.ExecuteAsync($"CREATE TABLESPACE space LOCATION '{space}'");
        await session.ExecuteAsync("DROP TABLESPACE space");
        Directory.Delete(space);
        await session.SwitchWalAsync();
        var first = await server.ScalarAsync<uint>("SELECT pg_current_xact_id()::xid");
        var points = await WriteAsync(server, transactions: 900);
        await session.ExecuteAsync("BEGIN; INSERT INTO t VALUES (1, ''); PREPARE TRANSACTION 'p'; COMMIT PREPARED 'p'");
        var last = await server.ScalarAsync<uint>("SELECT pg_current_xact_id()::xid");
        var expected = await CommitsAsync(session, first, last);

        var events = WalDirectory.Events(server.DataDirectory, await session.SwitchWalAsync());

        var commits = events.OfType<WalTransactionEnd>().Where(e => e.IsCommit).ToArray();
        var seen = commits.SelectMany(c => c.Subtransactions.Append(c.Transaction).Select(x => (Transaction: x, c.Time))).Where(c => c.Transaction >= first && c.Transaction <= last).ToArray();
        Assert.Equal(expected.OrderBy(e => e.Key).Select(e => (e.Key, e.Value)), seen.OrderBy(s => s.Transaction).Select(s => (s.Transaction, s.Time)));
        // pg_create_restore_point() gives the end of its record, a restore point has 98 bytes and a header or two between.
        Assert.Equal(points.Select(p => p.Name), events.OfType<WalRestorePoint>().Select(p => p.Name));
        Assert.All(points.Zip(events.OfType<WalRestorePoint>()), pair => Assert.InRange(pair.First.End.Value - pair.Second.Position.Value, 98ul, 104ul + 64));
        Assert.Equal(space, Assert.Single(events.OfType<WalTablespaceCreated>()).Location);
        RequireHeadersAgree(server.DataDirectory, commits);
    }

    // The times in the segments' headers, each taken as at its push, cover every commit, those on borders as well.
    static void RequireHeadersAgree(string dataDirectory, WalTransactionEnd[] commits)
    {
        foreach (var (name, content, header) in WalDirectory.Read(dataDirectory, WalSegmentName.FromLsn(new Timeline(1), commits[^1].Position, WalSegmentSize.From(1 << 20))))
        {
            var before = WalSegmentTail.ReadBefore(Path.Combine(dataDirectory, "pg_wal", name.ToString()), content, header);
            var times = WalCommitScanner.Scan(content, header, before);
            var end = header.PageAddress + (ulong)content.Length;
            var ending = commits.Where(c => c.End > header.PageAddress && c.End <= end).ToArray();
            Assert.Equal(
                ending.Length == 0 ? WalCommitTimes.None : new WalCommitTimes(ending.Min(c => c.Time), ending.Max(c => c.Time)), times);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(64)]
    public async Task Says_the_same_of_every_transaction_as_pg_waldump(int mebibytes)
    {
        await using var server = await WalServer.StartAsync(15, WalSegmentSize.From(mebibytes << 20), ("wal_level", "logical"));
        var session = server.Session;
        await session.ExecuteAsync("CREATE TABLE t (id int, filler text)");
        await WriteAsync(server, transactions: 500);
        await session.ExecuteAsync("CREATE TABLE gone (id serial PRIMARY KEY, t text); BEGIN; DROP TABLE gone; PREPARE TRANSACTION 'p'");
        await session.ExecuteAsync("COMMIT PREPARED 'p'");
        var last = await session.SwitchWalAsync();

        var found = WalDirectory.Events(server.DataDirectory, last).OfType<WalTransactionEnd>().ToArray();

        var expected = await WalDumpAsync(server.DataDirectory, WalDirectory.Read(server.DataDirectory, last).First().Name, last);
        Assert.Equal(expected, found.Select(Line));
        Assert.InRange(found.Count(e => e.DroppedFiles.Count > 0), 1, 1000);
    }

    static string Line(WalTransactionEnd end) => string.Create(
        CultureInfo.InvariantCulture,
        $"{end.Position} {(end.IsCommit ? "COMMIT" : "ABORT")} {end.Transaction} {PostgresEpoch.FromMicroseconds(end.Time):yyyy-MM-dd HH:mm:ss.ffffff} files {end.DroppedFiles.Count} subtransactions {end.Subtransactions.Count}");

    static async Task<List<string>> WalDumpAsync(string dataDirectory, WalSegmentName first, WalSegmentName last)
    {
        var lines = new List<string>();
        foreach (var line in await WalServer.DumpAsync("-p", Path.Combine(dataDirectory, "pg_wal"), first.ToString(), last.ToString()))
        {
            var match = Regex.Match(
                line,
                @"tx: +(?<tx>\d+), lsn: (?<lsn>\S+), .*desc: (?<kind>COMMIT|ABORT)(?:_PREPARED)? (?:(?<prepared>\d+): )?(?<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}) UTC(?<rest>.*)$",
                RegexOptions.None,
                TimeSpan.FromSeconds(10));
            if (match.Success)
            {
                var rest = match.Groups["rest"].Value;
                var lsn = Lsn.Parse(match.Groups["lsn"].Value);
                var transaction = match.Groups["prepared"].Success ? match.Groups["prepared"].Value : match.Groups["tx"].Value;
                lines.Add($"{lsn} {match.Groups["kind"].Value} {transaction} {match.Groups["time"].Value} files {Count(rest, "rels")} subtransactions {Count(rest, "subxacts")}");
            }
        }

        return lines;
    }

    static int Count(string rest, string what)
    {
        var match = Regex.Match(rest, $@"; {what}:(?<items>( [\w/]+)+)", RegexOptions.None, TimeSpan.FromSeconds(10));
        return match.Success ? match.Groups["items"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length : 0;
    }

    [Theory]
    [InlineData("pglz")]
    [InlineData("lz4")]
    [InlineData("zstd")]
    public async Task Reads_names_from_compressed_pages(string method)
    {
        await RequireNamedAsync(15, ("wal_compression", method));
    }

    [Theory]
    [PostgresVersion(14)]
    public async Task Reads_names_from_compressed_pages_of_14(int version) => await RequireNamedAsync(version, ("wal_compression", "on"));

    [Theory]
    [PostgresVersion(14)]
    [PostgresVersion(15)]
    [PostgresVersion(18)]
    public async Task Reads_what_logical_wal_level_adds(int version) => await RequireNamedAsync(version, ("wal_level", "logical"));

    static async Task RequireNamedAsync(int version, (string Name, string Value) setting)
    {
        await using var server = await WalServer.StartAsync(version, setting);
        var session = server.Session;
        for (var i = 0; i < 60; i++)
        {
            await session.ExecuteAsync($"CREATE TABLE \"Straße {i}\" (id int)");
        }

        // What was written before is not looked at: the names have to come from whole pages.
        await session.ExecuteAsync("CHECKPOINT");
        var from = await session.SwitchWalAsync();
        await session.ExecuteAsync("TRUNCATE \"Straße 7\"");
        await session.ExecuteAsync("DROP TABLE \"Straße 33\"");
        var last = await session.SwitchWalAsync();

        var tracker = new FootprintTracker(version);
        var run = new WalEventRun(WalEventKinds.All);
        var found = new List<WalTransaction>();
        foreach (var (name, content, header) in WalDirectory.Read(server.DataDirectory, last).Where(s => s.Name > from))
        {
            found.AddRange(run.Add(WalSegmentEvents.Scan(content, header, WalEventKinds.All), out _).Select(tracker.Apply).OfType<WalTransaction>().Where(t => t.IsDestructive));
        }

        Assert.Equal(["Truncate public.Straße 7", "Drop public.Straße 33"], found.Select(t => Assert.Single(t.Footprints)).Select(f => $"{f.Kind} {f.Schema}.{f.Name}"));
    }

    static async Task<List<(string Name, Lsn End)>> WriteAsync(WalServer server, int transactions)
    {
        var random = new Random(11);
        var points = new List<(string, Lsn)>();
        for (var i = 0; i < transactions; i++)
        {
            await server.ExecuteAsync((i % 6) switch
            {
                0 => $"INSERT INTO t SELECT {i}, repeat('x', {random.Next(1, 1500)}) FROM generate_series(1, {random.Next(1, 20)})",
                1 => $"BEGIN; INSERT INTO t VALUES ({i}, 'aborted'); ROLLBACK",
                2 => $"DO $$ BEGIN FOR s IN 1..{random.Next(1, 200)} LOOP BEGIN INSERT INTO t VALUES (s, ''); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$",
                3 => $"SELECT pg_logical_emit_message(false, 'test', repeat('m', {random.Next(0, 30_000)}))",
                _ => $"INSERT INTO t VALUES ({i}, repeat('y', {random.Next(300)}))",
            });
            if (i % 50 == 0)
            {
                points.Add(($"point {i}", Lsn.Parse(await server.ScalarAsync<string>($"SELECT pg_create_restore_point('point {i}')::text"))));
            }
        }

        return points;
    }

    static async Task<Dictionary<uint, long>> CommitsAsync(PostgresSession session, uint first, uint last)
    {
        var commits = new Dictionary<uint, long>();
        await using var command = new NpgsqlCommand(
            $"SELECT x, (extract(epoch FROM pg_xact_commit_timestamp(x::text::xid)) * 1000000)::bigint FROM generate_series({first}, {last}) x WHERE pg_xact_commit_timestamp(x::text::xid) IS NOT NULL", session.Connection);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            commits.Add((uint)reader.GetInt32(0), reader.GetInt64(1) - 946_684_800_000_000);
        }

        return commits;
    }
}
