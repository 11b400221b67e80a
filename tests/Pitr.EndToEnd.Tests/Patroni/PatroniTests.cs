using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Patroni;

/// <summary>A real Patroni with a real etcd makes its replicas and its clusters from the repository, configured as docs/patroni.md has it.</summary>
public sealed class PatroniTests : IAsyncLifetime
{
    const string Content = "SELECT string_agg(t::text, ',' ORDER BY id) FROM t";
    const string OfInitdb = "  initdb: [ { encoding: UTF8 }, data-checksums, { auth-local: trust }, { auth-host: trust } ]";

    readonly TestDirectory _directory = new();
    StorageServer? _etcd;

    string Repository => _directory["repository"];

    public async Task InitializeAsync() => _etcd = await StorageServer.StartAsync("etcd", "ETCD_");

    public async Task DisposeAsync()
    {
        if (_etcd is not null)
        {
            await _etcd.DisposeAsync();
        }

        _directory.Dispose();
    }

    [Fact]
    public async Task Replicas_and_clusters_are_made_from_the_repository()
    {
        string then, before;
        await using (var first = Member("a"))
        {
            first.Start("pitr", OfInitdb);
            await first.MustBecomeAsync("leader");
            (await first.Host.InitAsync(first.ConnectionString, first.Data)).Must();
            await first.ExecuteAsync("CREATE TABLE t AS SELECT i AS id, md5(i::text) v FROM generate_series(1, 100) i");
            (await first.Host.RunAsync("backup", "main")).Must();
            await first.ExecuteAsync("INSERT INTO t VALUES (101, 'after the backup')");

            await using var second = Member("b", "a");
            second.Start("pitr", OfInitdb);
            await second.MustBecomeAsync("replica");
            Assert.Contains("replica has been created using pitr", second.Log, StringComparison.Ordinal);
            await MustFollowAsync(second, first);

            await first.AskAsync("switchover", """{ "leader": "a", "candidate": "b" }""");
            await second.MustBecomeAsync("leader");
            await first.MustBecomeAsync("replica");
            await second.ExecuteAsync("INSERT INTO t VALUES (102, 'after the switchover')");
            (before, then) = (await second.ScalarAsync<string>(Content), await second.ScalarAsync<string>("SELECT clock_timestamp()::text"));
            await second.ExecuteAsync("DELETE FROM t WHERE id < 50");

            await first.AskAsync("reinitialize", """{ "force": true }""");
            await Eventually.IsTrueAsync(() => first.Log.Contains("replica has been created using pitr", StringComparison.Ordinal), () => first.Log);
            await first.MustBecomeAsync("replica");
            await MustFollowAsync(first, second);
            await second.ExecuteAsync("SELECT pg_switch_wal()");
            await Eventually.IsTrueAsync(
                async () => await second.ScalarAsync<long>("SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'") == 0, () => $"everything is archived; {second.Log}");
        }

        await using var again = Member("c", "a");
        again.Start(
            "again",
            $"""
              method: pitr
              pitr:
                command: {again.Pitr} patroni-restore main --target-time '{then}'
                keep_existing_recovery_conf: True
            """);
        await again.MustBecomeAsync("leader");
        Assert.Equal(before, await again.ScalarAsync<string>(Content));
        Assert.Equal(3, await again.ScalarAsync<int>("SELECT timeline_id FROM pg_control_checkpoint()"));
        await again.ExecuteAsync("INSERT INTO t VALUES (103, 'in the new cluster')");
    }

    // On the leader alone, rows are written; the other has them by WAL, from the archive or streamed.
    static async Task MustFollowAsync(PatroniMember replica, PatroniMember leader)
    {
        var content = await leader.ScalarAsync<string>(Content);
        await Eventually.IsTrueAsync(async () => await replica.ScalarAsync<string>(Content) == content, () => replica.Log);
        Assert.True(await replica.ScalarAsync<bool>("SELECT pg_is_in_recovery()"));
        await Eventually.IsTrueAsync(
            async () => await leader.ScalarAsync<long>("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == 1, () => $"the replica streams; {replica.Log}");
    }

    PatroniMember Member(string name) => new(_directory[name], name, int.Parse(_etcd!["ETCD_PORT"], System.Globalization.CultureInfo.InvariantCulture), Repository);

    // With the key of another member, and the same repository.
    PatroniMember Member(string name, string other)
    {
        var member = Member(name);
        foreach (var file in new[] { "identity.pem", "recipient.pem" })
        {
            File.Copy(Path.Combine(_directory[other], "host", file), Path.Combine(member.Host.Directory, file));
        }

        member.Host.WriteConfiguration();
        return member;
    }
}
