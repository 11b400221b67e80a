using Pitr.EndToEnd.Tests.Clusters;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests;

/// <summary>Clusters with other WAL segments than 16 MiB, from archiving to recovery.</summary>
public sealed class SegmentSizeTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public async Task A_cluster_with_segments_of_another_size_comes_back(int mebibytes)
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(mebibytes << 20));
        await cluster.BackupAsync();
        await cluster.ExecuteAsync("CREATE TABLE t AS SELECT i FROM generate_series(1, 100000) i");
        await cluster.ArchiveEverythingAsync();

        var list = (await cluster.Host.RunAsync("--output", "json", "wal", "list")).Must().Json;
        Assert.Equal(mebibytes << 20, list.GetProperty("wal-segment-size").GetInt32());
        Assert.Empty(list.GetProperty("timelines")[0].GetProperty("gaps").EnumerateArray());

        await using var restored = await cluster.RestoreAsync("to");
        Assert.Equal(5000050000, await restored.ScalarAsync<long>("SELECT sum(i) FROM t"));
        Assert.Equal($"{mebibytes}MB", await restored.ScalarAsync<string>("SHOW wal_segment_size"));
    }
}
