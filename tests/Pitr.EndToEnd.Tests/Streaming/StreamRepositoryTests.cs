using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests.Streaming;

/// <summary>Streaming with synchronous commits into repositories on real servers, alone and beside a local one.</summary>
public sealed class StreamRepositoryTests : IDisposable
{
    static readonly WalSegmentSize Small = WalSegmentSize.From(1 << 20);

    readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("ceph-rgw")]
    [InlineData("sshd")]
    [InlineData("ftpd")]
    public async Task Nothing_that_was_acknowledged_is_lost_with_the_primary(string kind)
    {
        await using var offsite = await RemoteRepository.StartAsync(kind, _directory);
        await using var cluster = await StartAsync(offsite, "[offsite]");
        var writers = await WriteAsync(cluster);
        await LoseAsync(cluster, writers);

        Assert.Superset(writers.Acknowledged.ToHashSet(), await RestoreAsync(cluster, "to"));
        (await cluster.Host.RunAsync("wal", "verify", PitrHost.Service)).Must();
    }

    [Fact]
    public async Task With_one_of_two_required_commits_go_on_while_the_other_is_away_and_lie_in_one_until_their_segment_is_full()
    {
        await using var offsite = await RemoteRepository.StartAsync("ceph-rgw", _directory);
        await using var cluster = await StartAsync(offsite, "[local, offsite]\n    required: 1");
        var host = cluster.Host;
        await using (var writers = await WriteAsync(cluster))
        {
            await offsite.Wire.CutAsync();
            await MoreAsync(cluster, writers);
            offsite.Wire.Mend();
            await MoreAsync(cluster, writers);
        }

        // The segments that it is owed are paid, and the stream's pieces go with them.
        await cluster.ArchiveEverythingAsync();
        await Eventually.IsTrueAsync(async () => await OwedAsync(cluster) == 0, () => $"the agent has caught up; {cluster.AgentLog()}");
        await Eventually.IsTrueAsync(
            async () => (await cluster.Host.RunAsync("wal", "verify", PitrHost.Service)).ExitCode == 0, () => "both hold everything");
        var both = await cluster.ScalarAsync<long>("SELECT count(*) FROM acknowledged");

        // The last commits before the loss are acknowledged by the local one alone.
        await offsite.Wire.CutAsync();
        await cluster.ExecuteAsync("INSERT INTO acknowledged VALUES (9, 1, 'local only')");
        var last = await LastCommitAsync(host, "local");
        await cluster.DestroyAsync();
        await cluster.Agent!.KillAsync();
        (await host.RunAsync("restore", PitrHost.Service, "--to", _directory["refused"], "--dry-run")).Must(4).MustSay("--repository local");
        offsite.Wire.Mend();

        Assert.Equal(both + 1, (await RestoreAsync(cluster, "both")).Count);
        Assert.Equal(both + 1, (await RestoreAsync(cluster, "local", "--repository", "local")).Count);

        // The other one says what it has, and gives that; asked for more it refuses.
        Assert.True(await LastCommitAsync(host, "offsite") < last);
        var moment = last.ToString("yyyy-MM-dd HH:mm:ss.ffffffzzz", System.Globalization.CultureInfo.InvariantCulture);
        (await host.RunAsync("restore", PitrHost.Service, "--to", _directory["more"], "--dry-run", "--repository", "offsite", "--target-time", moment)).Must(8).MustSay("--target latest");
        Assert.Equal(both, (await RestoreAsync(cluster, "offsite", "--repository", "offsite")).Count);

        // Without the local one nobody knows that there is no more, and nothing is given as if it were all.
        Directory.Move(host.Repository, _directory["burnt"]);
        (await host.RunAsync("restore", PitrHost.Service, "--to", _directory["refused"], "--dry-run")).Must(4).MustSay("--repository offsite");
    }

    [Fact]
    public async Task With_all_required_commits_wait_for_the_one_that_is_away_and_each_alone_has_everything()
    {
        await using var offsite = await RemoteRepository.StartAsync("sshd", _directory);
        await using var cluster = await StartAsync(offsite, "[local, offsite]\n    required: all");
        var writers = await WriteAsync(cluster);
        await offsite.Wire.CutAsync();
        await cluster.AgentSaysAsync("cannot be stored; commits wait");
        offsite.Wire.Mend();
        await MoreAsync(cluster, writers);
        await LoseAsync(cluster, writers);

        Assert.Superset(writers.Acknowledged.ToHashSet(), await RestoreAsync(cluster, "local", "--repository", "local"));
        Directory.Move(cluster.Host.Repository, _directory["burnt"]);
        Assert.Superset(writers.Acknowledged.ToHashSet(), await RestoreAsync(cluster, "offsite", "--repository", "offsite"));
    }

    // Tries again for a short time only, so that an outage is noticed.
    static async Task<ProtectedCluster> StartAsync(RemoteRepository offsite, string repositories)
    {
        var cluster = await StreamingCluster.CreateAsync(
            PostgresBinaries.Find(15),
            async host =>
            {
                await offsite.AddToAsync(host, repositories);
                host.Environment["PITR_REPOSITORIES__OFFSITE__RETRY__DEADLINE"] = "5s";
            },
            Small);
        try
        {
            await cluster.BackupAsync();
            await cluster.MakeSynchronousAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    static async Task<AcknowledgedWriters> WriteAsync(ProtectedCluster cluster)
    {
        var writers = new AcknowledgedWriters(cluster.Cluster.ConnectionString() + ";Pooling=false", TestEnvironment.Seed);
        await MoreAsync(cluster, writers);
        return writers;
    }

    static Task MoreAsync(ProtectedCluster cluster, AcknowledgedWriters writers)
    {
        var before = writers.Acknowledged.Count;
        return Eventually.IsTrueAsync(() => writers.Acknowledged.Count > before + 15, () => $"transactions are acknowledged; {cluster.Log()}\n{cluster.AgentLog()}");
    }

    static async Task LoseAsync(ProtectedCluster cluster, AcknowledgedWriters writers)
    {
        await cluster.DestroyAsync();
        await writers.EndAsync();
        await writers.DisposeAsync();
        await cluster.Agent!.KillAsync();
    }

    async Task<HashSet<string>> RestoreAsync(ProtectedCluster cluster, string name, params string[] arguments)
    {
        await using var restored = await RestoredCluster.StartAsync(cluster.Host, _directory[name], arguments);
        await using var connection = await restored.OpenAsync();
        return await StreamingCluster.ReadAcknowledgedAsync(connection);
    }

    static async Task<JsonElement> InfoAsync(PitrHost host, params string[] arguments) =>
        (await host.RunAsync(["--output", "json", "info", PitrHost.Service, .. arguments])).Json.GetProperty("services")[0];

    static async Task<int> OwedAsync(ProtectedCluster cluster) =>
        (await InfoAsync(cluster.Host)).GetProperty("repositories").EnumerateArray().Sum(r => r.GetProperty("owed").GetInt32());

    static async Task<DateTimeOffset> LastCommitAsync(PitrHost host, string repository) =>
        (await InfoAsync(host, "--repository", repository)).GetProperty("last-commit").GetDateTimeOffset();
}
