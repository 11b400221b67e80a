using System.Globalization;
using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Ledger;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests;

/// <summary>
/// Recoveries to random moments of a busy cluster, each compared with what the live server knew: not one transaction too many or too few.
/// PITR_TEST_RECOVERIES says how many, PITR_TEST_SEED repeats a run's choices.
/// </summary>
public sealed class OracleTests(ITestOutputHelper output)
{
    const int CommitsPerPart = 400;

    [Fact]
    public async Task Every_moment_comes_back_as_it_was()
    {
        var seed = TestEnvironment.Seed;
        output.WriteLine($"PITR_TEST_SEED={seed}");
        await using var cluster = await ProtectedCluster.CreateAsync(
            WalSegmentSize.From(1 << 20), settings: [("track_commit_timestamp", "on"), ("wal_keep_size", "4GB"), ("autovacuum", "off")]);
        await cluster.ExecuteAsync(LedgerWriters.Schema);
        JsonElement first, second;
        await using (var writers = new LedgerWriters(cluster.Cluster.ConnectionString() + ";Pooling=false", seed))
        {
            await WriteMoreAsync(cluster);
            first = await cluster.BackupAsync();
            await WriteMoreAsync(cluster);
            second = await cluster.BackupAsync();
            await WriteMoreAsync(cluster);
        }

        await cluster.ArchiveEverythingAsync();
        var oracle = await LedgerOracle.ReadAsync(cluster, first.GetProperty("start-lsn").GetString()!);
        var random = new Random(seed);
        var consistent = first.GetProperty("stop-time").GetDateTimeOffset();
        var differences = new List<string>();
        for (var number = 0; number < TestEnvironment.Recoveries; number++)
        {
            // Both backups serve; the oracle's WAL begins at the first one's start, so only what was written after it is compared.
            var target = oracle.Choose(number, consistent, random);
            differences.AddRange(await CompareAsync(cluster, oracle, target, number));
        }

        Assert.True(differences.Count == 0, $"PITR_TEST_SEED={seed}, backups {first.GetProperty("id")} and {second.GetProperty("id")}\n{string.Join('\n', differences)}");
    }

    static async Task WriteMoreAsync(ProtectedCluster cluster)
    {
        var enough = await CountAsync() + CommitsPerPart;
        // The catalog knows a backup's end to the second.
        var later = TimeProvider.System.GetUtcNow().AddSeconds(1.5);
        await Eventually.IsTrueAsync(async () => await CountAsync() >= enough && TimeProvider.System.GetUtcNow() > later, () => "transactions are committed");

        async Task<long> CountAsync() => await cluster.ScalarAsync<long>("SELECT sum(transactions) FROM totals");
    }

    async Task<IEnumerable<string>> CompareAsync(ProtectedCluster cluster, LedgerOracle oracle, LedgerTarget target, int number)
    {
        await using var restored = await cluster.RestoreAsync(string.Create(CultureInfo.InvariantCulture, $"r{number}"), target.Arguments);
        await using var connection = await restored.OpenAsync();
        var expected = oracle.At(target);
        var known = oracle.Ends.Select(end => end.Xid).ToHashSet();
        var recovered = (await LedgerState.ReadRowsAsync(connection)).Where(row => known.Contains(row[..row.IndexOf(':', StringComparison.Ordinal)])).ToArray();
        var contradictions = await LedgerState.ReadContradictionsAsync(connection);
        output.WriteLine($"{target}: backup {restored.Result.GetProperty("backup")}, {expected.Count} transactions");
        Assert.NotEmpty(expected);
        return expected.Except(recovered).Select(row => $"{target}: missing {row}")
            .Concat(recovered.Except(expected).Select(row => $"{target}: too many {row}"))
            .Concat(contradictions.Length == 0 ? [] : [$"{target}: contradictory totals {contradictions}"]);
    }
}
