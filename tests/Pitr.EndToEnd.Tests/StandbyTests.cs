using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests;

/// <summary>A standby made from the repository, the way Patroni asks for it; and a restore over it.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class StandbyTests(ProtectedService service) : IDisposable
{
    readonly TestDirectory _directory = new();

    string Data => _directory["data"];

    string Primary
    {
        get
        {
            var address = new NpgsqlConnectionStringBuilder(service.Cluster.Cluster.ConnectionString());
            return $"host={address.Host} port={address.Port} user={address.Username}";
        }
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_replica_as_patroni_makes_it_streams_and_is_restored_over_to_a_moment()
    {
        var run = (await service.Host.RunAsync(
            "patroni-restore", "main", "--scope=cluster", "--role=replica", $"--datadir={Data}", $"--connstring={Primary} application_name=made_by_patroni",
            "--no_leader=1", "--something-new=1")).Must();
        Assert.DoesNotContain("made_by_patroni", run.Output + run.Errors, StringComparison.Ordinal);
        run.MustSay("--something-new");
        Assert.False(File.Exists(Path.Combine(Data, "recovery.signal")));
        await using (var standby = RecoveringCluster.Start(service.Host, Data))
        {
            await standby.WaitUntilAcceptingAsync();
            await Eventually.IsTrueAsync(
                async () => await service.Cluster.ScalarAsync<long>("SELECT count(*) FROM pg_stat_replication WHERE application_name = 'made_by_patroni' AND state = 'streaming'") == 1,
                () => $"the standby streams; {standby.Log}");
            Assert.True(await standby.ScalarAsync<bool>("SELECT pg_is_in_recovery()"));
            var position = await service.Cluster.ScalarAsync<string>("SELECT pg_logical_emit_message(true, 'standby', 'caught up')::text");
            await Eventually.IsTrueAsync(
                () => standby.ScalarAsync<bool>($"SELECT pg_last_wal_replay_lsn() >= '{position}'"), () => $"the standby catches up; {standby.Log}");
            Assert.Equal(service.ContentLatest, await standby.ScalarAsync<string>(ProtectedService.Content));

            (await service.Host.RunAsync("restore", "main", "--to", Data, "--delta")).Must(8).MustSay("server runs", "pg_ctl");
        }

        (await service.Host.RunAsync("restore", "main", "--to", Data)).Must(8).MustSay("not empty", "--delta");
        await using var restored = await RestoredCluster.StartAtAsync(service.Host, Data, _directory.New("s"), "--delta", "--target-time", service.Then);
        Assert.Equal(service.ContentThen, await restored.ScalarAsync<string>(ProtectedService.Content));
        Assert.True(restored.Result.GetProperty("kept-bytes").GetInt64() > 10 << 20, $"{restored.Result}");
    }

    [Fact]
    public async Task What_makes_no_sense_for_a_standby_is_refused()
    {
        string[] restore = ["restore", "main", "--to", Data];
        (await service.Host.RunAsync([.. restore, "--standby", "--target-time", service.Then])).Must(1).MustSay("--standby");
        (await service.Host.RunAsync([.. restore, "--standby", "--start"])).Must(1).MustSay("--start");
        (await service.Host.RunAsync([.. restore, "--primary-conninfo", "host=a password=secret"])).Must(1).MustSay("--standby");
        (await service.Host.RunAsync([.. restore, "--delta", "--overwrite"])).Must(1).MustSay("--overwrite");
        (await service.Host.RunAsync("patroni-restore", "main", $"--datadir={Data}", "--role=replica", $"--target-time={service.Then}")).Must(1).MustSay("target");
        (await service.Host.RunAsync("patroni-restore", "main", $"--datadir={Data}", "--target-tiem=2026")).Must(1).MustSay("--target-tiem");
        var plan = (await service.Host.RunAsync(["--output", "json", .. restore, "--standby", "--dry-run"])).Must().Json;
        Assert.True(plan.GetProperty("standby").GetBoolean());
        Assert.Empty(plan.GetProperty("tablespaces").EnumerateArray());
        Assert.False(Directory.Exists(Data));
    }
}
