using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests;

/// <summary>
/// A service with a local repository and one behind a line that is cut, at a real S3 or SFTP server: with <c>required: 1</c> work goes
/// on and is caught up, with all required nothing is acknowledged that is not there.
/// </summary>
public sealed class OffsiteOutageTests(ITestOutputHelper output) : IDisposable
{
    const string Content = "SELECT count(*) || ' ' || coalesce(sum(hashtext(t::text)), 0) FROM bulk t";

    readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("ceph-rgw")]
    [InlineData("sshd")]
    public async Task Work_goes_on_while_it_is_away_and_it_catches_up_when_it_is_back(string kind)
    {
        await using var offsite = await RemoteRepository.StartAsync(kind, _directory);
        await using var cluster = await StartAsync(offsite, required: "1");
        var host = cluster.Host;
        await FillAsync(cluster, 3);

        await offsite.Wire.CutAsync();
        await FillAsync(cluster, 6);
        Assert.Contains("not yet in repository offsite", (await host.RunAsync("backup", "main")).Must().Output, StringComparison.Ordinal);
        await FillAsync(cluster, 3);
        var expected = await cluster.ScalarAsync<string>(Content);

        var away = await OffsiteInfoAsync(host);
        Assert.False(away.GetProperty("answered").GetBoolean());
        Assert.NotEqual(0, away.GetProperty("owed").GetInt32());
        // What only the other one holds, nobody knows; a person may decide to go on without it.
        (await host.RunAsync("restore", "main", "--to", _directory["refused"], "--dry-run")).Must(4).MustSay("--repository local");
        await using (var restored = await RestoredCluster.StartAsync(host, _directory["to-local"], "--repository", "local"))
        {
            Assert.Equal(expected, await restored.ScalarAsync<string>(Content));
        }

        offsite.Wire.Mend();
        await Eventually.IsTrueAsync(async () => (await OffsiteInfoAsync(host)).GetProperty("owed").GetInt32() == 0, () => "the agent has caught up");
        Assert.Equal(await ObjectsAsync(host, "local"), await ObjectsAsync(host, "offsite"));

        // The site with the local repository burns down.
        Directory.Move(host.Repository, _directory["burnt"]);
        await using (var restored = await RestoredCluster.StartAsync(host, _directory["to-offsite"], "--repository", "offsite"))
        {
            Assert.Equal(expected, await restored.ScalarAsync<string>(Content));
        }
    }

    [Fact]
    public async Task With_all_required_a_restore_goes_on_by_itself_without_the_one_that_is_away()
    {
        await using var offsite = await RemoteRepository.StartAsync("sshd", _directory);
        await using var cluster = await StartAsync(offsite, required: "all");
        (await cluster.Host.RunAsync("backup", "main")).Must();
        await FillAsync(cluster, 2);
        var expected = await cluster.ScalarAsync<string>(Content);
        cluster.Host.Environment["PITR_REPOSITORIES__OFFSITE__RETRY__DEADLINE"] = "5s";

        await offsite.Wire.CutAsync();

        await using var restored = await RestoredCluster.StartAsync(cluster.Host, _directory["to"]);
        Assert.Equal(expected, await restored.ScalarAsync<string>(Content));
        Assert.Contains("--repository local", await File.ReadAllTextAsync(Path.Combine(restored.Directory, "postgresql.auto.conf")), StringComparison.Ordinal);
    }

    // The pauses between breaks, in milliseconds: an SSH login takes some hundred of them on a busy machine, and must have a chance.
    [Theory]
    [InlineData("ceph-rgw", 20, 400)]
    [InlineData("sshd", 300, 2000)]
    public async Task A_line_that_breaks_all_the_time_delays_a_drain_and_loses_nothing(string kind, int shortest, int longest)
    {
        output.WriteLine($"PITR_TEST_SEED={TestEnvironment.Seed}");
        var random = new Random(TestEnvironment.Seed);
        await using var offsite = await RemoteRepository.StartAsync(kind, _directory);
        await using var cluster = await StartAsync(offsite, required: "all");
        (await cluster.Host.RunAsync("backup", "main")).Must();
        using var enough = new CancellationTokenSource();
        var breaking = Task.Run(async () =>
        {
            var breaks = 0;
            while (!enough.IsCancellationRequested)
            {
                await Task.Delay(random.Next(shortest, longest), enough.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                offsite.Wire.Break();
                breaks++;
            }

            return breaks;
        });

        await FillAsync(cluster, 30);
        await enough.CancelAsync();
        output.WriteLine($"{await breaking} breaks");

        var expected = await cluster.ScalarAsync<string>(Content);
        Assert.Equal(await ObjectsAsync(cluster.Host, "local"), await ObjectsAsync(cluster.Host, "offsite"));
        Directory.Move(cluster.Host.Repository, _directory["burnt"]);
        await using var restored = await RestoredCluster.StartAsync(cluster.Host, _directory["to"], "--repository", "offsite");
        Assert.Equal(expected, await restored.ScalarAsync<string>(Content));
    }

    /// <summary>A cluster with small segments and both repositories, its agent running.</summary>
    static async Task<ProtectedCluster> StartAsync(RemoteRepository offsite, string required)
    {
        var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), withAgent: false);
        try
        {
            var host = cluster.Host;
            await offsite.AddToAsync(host, $"[local, offsite]\n    required: {required}");
            cluster.Agent = await host.StartAgentAsync();
            await cluster.ExecuteAsync("CREATE TABLE bulk AS SELECT g, md5(g::text) FROM generate_series(1, 100) g");
            (await host.RunAsync("backup", "main")).Must();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Writes some segments and waits until PostgreSQL has been told that the last of them is archived.</summary>
    static async Task FillAsync(ProtectedCluster cluster, int segments)
    {
        var last = "";
        for (var i = 0; i < segments; i++)
        {
            await cluster.ExecuteAsync("INSERT INTO bulk SELECT g, md5(random()::text) FROM generate_series(1, 1000) g");
            await using var session = await cluster.OpenAsync();
            last = (await session.SwitchWalAsync()).ToString();
        }

        await Eventually.IsTrueAsync(
            async () => string.CompareOrdinal(await cluster.ScalarAsync<string>("SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver"), last) >= 0,
            () => $"{last} is archived; {string.Join('\n', cluster.Cluster.Server.LogTail(20))}");
    }

    // Exits 4 while it is away, because it may hold more; says what it knows all the same.
    static async Task<JsonElement> OffsiteInfoAsync(PitrHost host) => (await host.RunAsync("--output", "json", "info", "main"))
        .Json.GetProperty("services")[0].GetProperty("repositories").EnumerateArray().Single(r => r.GetProperty("name").GetString() == "offsite");

    /// <summary>Every key but those that each repository has for itself.</summary>
    static async Task<List<string>> ObjectsAsync(PitrHost host, string repository) =>
    [
        .. (await host.RunAsync("--output", "json", "repo", "ls", repository, "--recursive")).Must().Output
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)
            .Where(line => line.TryGetProperty("key", out _))
            .Select(line => line.GetProperty("key").GetString()!)
            .Where(key => !key.StartsWith("audit/", StringComparison.Ordinal) && !key.Contains("/locks/", StringComparison.Ordinal)),
    ];
}
