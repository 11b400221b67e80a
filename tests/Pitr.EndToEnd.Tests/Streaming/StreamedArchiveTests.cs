using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.EndToEnd.Tests.Repositories;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests.Streaming;

/// <summary>What `wal status`, `wal list`, `wal verify` and `repo copy` make of an archive while a stream adds to it.</summary>
public sealed class StreamedArchiveTests
{
    [Fact]
    public async Task What_is_streamed_counts_is_verified_and_is_copied_while_it_grows()
    {
        // Segments are short-lived, so that they become whole while they are looked at.
        await using var cluster = await StreamingCluster.CreateAsync(WalSegmentSize.From(1 << 20), ("wal_keep_size", "1GB"));
        var (host, second) = (cluster.Host, cluster.Directory["second"]);
        var configuration = await File.ReadAllTextAsync(host.ConfigurationFile);
        await File.WriteAllTextAsync(host.ConfigurationFile, configuration.Replace(
            "\n# Everything stored is sealed", $"\n  second:\n    url: file://{second}\n\n# Everything stored is sealed", StringComparison.Ordinal));
        (await host.RunAsync("repo", "init", "second")).Must();
        await cluster.BackupAsync();
        await using (var writers = new AcknowledgedWriters(cluster.Cluster.ConnectionString() + ";Pooling=false", TestEnvironment.Seed))
        {
            for (var round = 0; round < 2; round++)
            {
                (await host.RunAsync("wal", "verify")).Must();
                (await host.RunAsync("repo", "copy", "local", "second")).Must();
            }
        }

        await cluster.ExecuteAsync("INSERT INTO acknowledged VALUES (9, 9, 'last')");
        var written = await cluster.ScalarAsync<string>("SELECT pg_current_wal_flush_lsn()::text");
        var moment = await cluster.ScalarAsync<DateTime>("SELECT now() AT TIME ZONE 'UTC'");
        await cluster.EverythingIsStreamedAsync();

        // Exit code 9 would be for a slow archiver; what counts here are the figures.
        var status = (await host.RunAsync("--output", "json", "wal", "status", "--sample", "0s")).Json;
        Assert.True(Lsn.Parse(status.GetProperty("archived-to").GetString()!) >= Lsn.Parse(written), status.ToString());
        Assert.True((moment - status.GetProperty("last-commit").GetDateTime().ToUniversalTime()).Duration() < TimeSpan.FromMinutes(1), status.ToString());
        var list = (await host.RunAsync("--output", "json", "wal", "list")).Must().Json.GetProperty("timelines")[0];
        Assert.True(Lsn.Parse(list.GetProperty("archived-to").GetString()!) >= Lsn.Parse(written), list.ToString());
        Assert.NotNull(list.GetProperty("in-pieces").GetString());
        var verified = (await host.RunAsync("--output", "json", "wal", "verify")).Must().Json;
        Assert.NotEqual(0, verified.GetProperty("repositories")[0].GetProperty("pieces").GetInt64());

        await cluster.Agent!.KillAsync();
        (await host.RunAsync("repo", "copy", "local", "second")).Must();
        await cluster.DestroyAsync();
        using (var contents = new RepositoryContents(second, host.IdentityFile))
        {
            contents.OpenEverything();
        }

        // The first repository is lost, too.
        Directory.Move(host.Repository, cluster.Directory["burnt"]);
        Directory.Move(second, host.Repository);
        (await host.RunAsync("wal", "verify")).Must();
        await using var restored = await cluster.RestoreAsync("restored");
        Assert.Equal(1, await restored.ScalarAsync<long>("SELECT count(*) FROM acknowledged WHERE client = 9"));
    }
}
