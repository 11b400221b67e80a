using System.Globalization;
using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Ledger;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests.Soak;

/// <summary>
/// A service over a long time in a short one: clients write a ledger while checkpoints, crashes, backups, expiries and recoveries that take the server's
/// place happen in random order; after each, a random moment of what `pitr info` promises is recovered and held against an oracle that knows every
/// commit. PITR_TEST_SOAK_ROUNDS says how many, PITR_TEST_SEED repeats a run's choices; `scripts/soak` runs it for long.
/// </summary>
public sealed class SoakTests(ITestOutputHelper output)
{
    // Of retention: short enough that an expiry has something to remove.
    static readonly TimeSpan Window = TimeSpan.FromSeconds(8);

    static readonly string[] Deck = ["backup", "checkpoint", "crash", "expire", "failover", "backup", "recovery to the past", "expire"];

    readonly Random _random = new(TestEnvironment.Seed);
    readonly Dictionary<Timeline, LedgerOracle> _oracles = [];
    readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);
    readonly List<string> _differences = [];
    DateTimeOffset _firstBackup;
    long _compared;

    [Fact]
    public async Task Every_moment_that_is_promised_comes_back_as_it_was()
    {
        var started = TimeProvider.System.GetTimestamp();
        output.WriteLine($"PITR_TEST_SEED={TestEnvironment.Seed} PITR_TEST_SOAK_ROUNDS={TestEnvironment.SoakRounds}");
        await using var cluster = await ProtectedCluster.CreateAsync(
            WalSegmentSize.From(1 << 20), settings: [("track_commit_timestamp", "on"), ("wal_keep_size", "8GB"), ("max_wal_size", "64MB"), ("autovacuum", "off")]);
        foreach (var (name, value) in new[] { ("WINDOW", $"{Window.TotalSeconds}s"), ("DAILY", "0"), ("WEEKLY", "0"), ("MONTHLY", "0"), ("MINIMUM", "1") })
        {
            cluster.Host.Environment[$"PITR_SERVICES__MAIN__RETENTION__{name}"] = value;
        }

        await using var server = await SoakServer.TakeOverAsync(cluster);
        await server.ExecuteAsync(LedgerWriters.Schema);
        await BackUpAsync(cluster);
        var deck = new Queue<string>();
        for (var round = 0; round < TestEnvironment.SoakRounds; round++)
        {
            if (deck.Count == 0)
            {
                deck = new Queue<string>(Deck.OrderBy(_ => _random.Next()));
            }

            var what = deck.Dequeue();
            _counts[what] = _counts.GetValueOrDefault(what) + 1;
            await LiveAsync(cluster, server, what, round);
            await RecoverAsync(cluster, round);
        }

        var summary = string.Create(
            CultureInfo.InvariantCulture,
            $"soak: seed {TestEnvironment.Seed}, {TestEnvironment.SoakRounds} recoveries, {_compared} transactions compared, {_differences.Count} differences, {server.Timeline.Value} timelines, {string.Join(", ", _counts.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Value} × {c.Key}"))}, {TimeProvider.System.GetElapsedTime(started).TotalSeconds:0} s");
        output.WriteLine(summary);
        if (TestEnvironment.SoakSummary is { } file)
        {
            await File.AppendAllTextAsync(file, summary + "\n");
        }

        Assert.True(_differences.Count == 0, $"PITR_TEST_SEED={TestEnvironment.Seed}\n{string.Join('\n', _differences)}");
    }

    // One event among writers; afterwards everything is archived and the oracle knows it.
    async Task LiveAsync(ProtectedCluster cluster, SoakServer server, string what, int round)
    {
        output.WriteLine($"round {round}: {what}");
        await using (new LedgerWriters(server.ConnectionString, _random.Next(), survivesCrashes: true))
        {
            await WriteMoreAsync(server);
            switch (what)
            {
                case "backup":
                    await BackUpAsync(cluster);
                    break;
                case "checkpoint":
                    await server.ExecuteAsync("CHECKPOINT");
                    break;
                case "crash":
                    await server.CrashAsync();
                    break;
                case "expire":
                    await ExpireAsync(cluster);
                    break;
            }

            await WriteMoreAsync(server);
        }

        await ReadAsync(server);
        switch (what)
        {
            case "failover":
                // Sometimes the last of what was written is lost with the server.
                if (_random.Next(2) == 0)
                {
                    await server.ArchiveEverythingAsync();
                }

                await ReplaceAsync(cluster, server, round);
                break;
            case "recovery to the past":
                await server.ArchiveEverythingAsync();
                var (timeline, target) = await ChooseAsync(cluster, round);
                await ReplaceAsync(cluster, server, round, [.. target.Arguments, "--target-timeline", $"{timeline.Value}"]);
                break;
        }

        await server.ArchiveEverythingAsync();
        await ReadAsync(server);
    }

    async Task ReadAsync(SoakServer server)
    {
        await using var connection = await server.OpenAsync();
        await _oracles[server.Timeline].ReadMoreAsync(connection);
    }

    async Task ReplaceAsync(ProtectedCluster cluster, SoakServer server, int round, params string[] target)
    {
        var (parent, switchPoint) = await server.ReplaceAsync(cluster.Directory[string.Create(CultureInfo.InvariantCulture, $"live{round}")], target);
        output.WriteLine($"timeline {server.Timeline.Value} leaves {parent.Value} at {switchPoint}");
        _oracles[server.Timeline] = _oracles[parent].Fork(switchPoint);
        await using (new LedgerWriters(server.ConnectionString, _random.Next()))
        {
            await WriteMoreAsync(server);
        }
    }

    async Task BackUpAsync(ProtectedCluster cluster)
    {
        var backup = await cluster.BackupAsync();
        if (_oracles.Count == 0)
        {
            _firstBackup = backup.GetProperty("stop-time").GetDateTimeOffset();
            _oracles[new Timeline(1)] = LedgerOracle.From(Lsn.Parse(backup.GetProperty("start-lsn").GetString()!));
        }

        output.WriteLine($"backup {backup.GetProperty("id").GetString()} on timeline {backup.GetProperty("timeline").GetInt32()}");
    }

    async Task ExpireAsync(ProtectedCluster cluster)
    {
        var done = (await cluster.Host.RunAsync("--output", "json", "expire", PitrHost.Service)).Must().Json.GetProperty("services")[0];
        // Afterwards: what it took for now may be any moment of its run.
        var earliest = TimeProvider.System.GetUtcNow() - Window;
        _counts["expired backup"] = _counts.GetValueOrDefault("expired backup") + done.GetProperty("backups").GetArrayLength();
        // Every moment of the window stays, on the timeline the server is on.
        var span = (await SpansAsync(cluster)).MaxBy(s => s.Timeline.Value);
        Assert.True(span.From <= earliest || span.From <= _firstBackup, $"PITR_TEST_SEED={TestEnvironment.Seed}: after an expiry the window begins at {span.From:O} instead of {earliest:O}");
    }

    async Task RecoverAsync(ProtectedCluster cluster, int round)
    {
        var (timeline, target) = await ChooseAsync(cluster, round);
        await using var restored = await cluster.RestoreAsync(
            string.Create(CultureInfo.InvariantCulture, $"r{round}"), [.. target.Arguments, "--target-timeline", $"{timeline.Value}"]);
        var (differences, transactions) = await LedgerComparison.CompareAsync(restored, _oracles[timeline], target);
        output.WriteLine($"{target} on timeline {timeline.Value}: backup {restored.Result.GetProperty("backup")}, {transactions} transactions");
        _differences.AddRange(differences.Select(d => $"round {round}, timeline {timeline.Value}: {d}"));
        _compared += transactions;
    }

    // A moment in what info says can be had, on any timeline.
    async Task<(Timeline Timeline, LedgerTarget Target)> ChooseAsync(ProtectedCluster cluster, int round)
    {
        var spans = (await SpansAsync(cluster)).OrderBy(_ => _random.Next()).ToArray();
        foreach (var (timeline, from, to) in spans)
        {
            if (_oracles[timeline].TryChoose(round, from, to, _random) is { } target)
            {
                return (timeline, target);
            }
        }

        throw new InvalidOperationException($"PITR_TEST_SEED={TestEnvironment.Seed}: nothing to recover to in {string.Join(", ", spans)}");
    }

    static async Task<IReadOnlyList<(Timeline Timeline, DateTimeOffset From, DateTimeOffset To)>> SpansAsync(ProtectedCluster cluster)
    {
        var info = (await cluster.Host.RunAsync("--output", "json", "info", PitrHost.Service)).Must().Json.GetProperty("services")[0];
        return [.. info.GetProperty("spans").EnumerateArray().Select(Span)];

        static (Timeline, DateTimeOffset, DateTimeOffset) Span(JsonElement span) =>
            (new Timeline(span.GetProperty("timeline").GetUInt32()), span.GetProperty("from").GetDateTimeOffset(), span.GetProperty("to").GetDateTimeOffset());
    }

    static async Task WriteMoreAsync(SoakServer server)
    {
        const int enough = 100;
        var before = await CountAsync();
        await Eventually.IsTrueAsync(async () => await CountAsync() >= before + enough, () => "transactions are committed");

        async Task<long> CountAsync() => await server.ScalarAsync<long>("SELECT sum(transactions) FROM totals");
    }
}
