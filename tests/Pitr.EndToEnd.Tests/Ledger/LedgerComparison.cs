using Pitr.EndToEnd.Tests.Clusters;

namespace Pitr.EndToEnd.Tests.Ledger;

/// <summary>Holds a recovered cluster against the oracle: not one transaction too many or too few.</summary>
static class LedgerComparison
{
    /// <summary>What differs, and how many transactions there should be.</summary>
    public static async Task<(IReadOnlyList<string> Differences, int Transactions)> CompareAsync(RestoredCluster restored, LedgerOracle oracle, LedgerTarget target)
    {
        await using var connection = await restored.OpenAsync();
        var expected = oracle.At(target);
        // What was committed before the oracle began to read is not compared.
        var known = oracle.Ends.Select(end => end.Xid).ToHashSet();
        var recovered = (await LedgerState.ReadRowsAsync(connection)).Where(row => known.Contains(row[..row.IndexOf(':', StringComparison.Ordinal)])).ToArray();
        var contradictions = await LedgerState.ReadContradictionsAsync(connection);
        return ([
            .. expected.Except(recovered).Select(row => $"{target}: missing {row}"),
            .. recovered.Except(expected).Select(row => $"{target}: too many {row}"),
            .. contradictions.Length == 0 ? Array.Empty<string>() : [$"{target}: contradictory totals {contradictions}"],
        ], expected.Count);
    }
}
