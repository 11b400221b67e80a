using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;

namespace Pitr.Postgres.Tests.Servers;

static class ScratchClusters
{
    public static Task<ScratchCluster> CreateAsync(
        int majorVersion,
        string directory,
        WalSegmentSize? segmentSize = null,
        bool checksums = true,
        params (string Name, string Value)[] settings) =>
        ScratchCluster.CreateAsync(new ScratchClusterOptions
        {
            BinDirectory = PostgresVersions.Get(majorVersion),
            Directory = directory,
            DataChecksums = checksums,
            WalSegmentSize = segmentSize ?? WalSegmentSize.Default,
            Fsync = false,
            StopOnDispose = ServerStopMode.Immediate,
            Settings = settings.Append(("autovacuum", "off")).ToDictionary(setting => setting.Item1, setting => setting.Item2),
        });
}
