using System.Text;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Replication;
using Pitr.Postgres.Sessions;
using Pitr.Postgres.Tests.Servers;

namespace Pitr.Postgres.Tests.Replication;

public class WalReceiverTests
{
    const string Slot = "pitr_test";
    const int SegmentBytes = 1 << 20;

    static readonly WalSegmentSize Size = WalSegmentSize.From(SegmentBytes);

    [Theory]
    [PostgresVersion(14)]
    [PostgresVersion(15)]
    [PostgresVersion(16)]
    [PostgresVersion(17)]
    [PostgresVersion(18)]
    public async Task Receives_what_the_server_has_on_disk_and_follows_it_to_the_next_timeline(int version)
    {
        using var directory = new TestDirectory();
        await using var cluster = await ScratchClusters.CreateAsync(version, directory.Sub("c"), Size, settings: [("wal_keep_size", "1GB")]);
        Lsn start;
        await using (var session = await PostgresSession.OpenAsync(cluster.ConnectionString()))
        {
            Assert.Null(await ReplicationSlots.FindAsync(session, Slot));
            await ReplicationSlots.CreateAsync(session, Slot);
            var slot = (await ReplicationSlots.FindAsync(session, Slot))!;
            Assert.True(slot is { IsPhysical: true, IsTemporary: false, ActivePid: null, WalStatus: "reserved", IsLost: false });
            start = new Lsn(slot.RestartLsn!.Value.Value & ~(SegmentBytes - 1UL));
            await session.ExecuteAsync("CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 20000) i; SELECT pg_switch_wal()");
            await session.ExecuteAsync("INSERT INTO t VALUES (0, 'more')");
        }

        var connection = cluster.ConnectionString();
        var received = new MemoryStream();
        await using (var receiver = await WalReceiver.OpenAsync(connection, Slot))
        {
            var (_, timeline, flushed) = await receiver.IdentifyAsync();
            Assert.Equal(new Timeline(1), timeline);
            await ReceiveAsync(receiver, timeline, start, flushed, received, async () =>
            {
                await using var session = await PostgresSession.OpenAsync(connection);
                Assert.Equal(receiver.ProcessId, (await ReplicationSlots.FindAsync(session, Slot))!.ActivePid);
                // Before its first word the server cannot tell whether commits will wait for this stream.
                await session.ExecuteAsync($"ALTER SYSTEM SET synchronous_standby_names = '{Slot}'");
                await session.ReloadAsync();
                await Eventually.IsTrueAsync(
                    async () => await ReplicationSlots.ReadStatusAsync(session, Slot) is { SyncState: null, IsSynchronous: true }, "it is taken for synchronous");
                await session.ExecuteAsync("ALTER SYSTEM RESET synchronous_standby_names");
                await session.ReloadAsync();
                await receiver.ReportFlushedAsync(flushed);
                await Eventually.IsTrueAsync(
                    async () => await ReplicationSlots.ReadStatusAsync(session, Slot) is { SyncState: "async", IsSynchronous: false } status && status.RestartLsn == flushed,
                    "the server knows what is durable");
            });
        }

        RequireEqual(cluster, new Timeline(1), start, received.ToArray());
        await cluster.StopAsync();
        await File.WriteAllTextAsync(Path.Combine(cluster.DataDirectory, "standby.signal"), "");
        await cluster.StartAsync();
        await using (var session = await PostgresSession.OpenAsync(connection))
        {
            await session.ExecuteAsync("SELECT pg_promote()");
            await session.ExecuteAsync("INSERT INTO t VALUES (0, 'later')");
        }

        var next = await WalReceiver.OpenAsync(connection, Slot);
        var (_, later, end) = await next.IdentifyAsync();
        Assert.Equal(new Timeline(2), later);
        var history = TimelineHistory.Parse(later, Encoding.UTF8.GetString(await next.ReadHistoryAsync(later)));
        var switched = Assert.Single(history.Entries).SwitchPoint;

        // The old timeline ends where the new one begins, and the new segment begins with what the old one had.
        received = new MemoryStream();
        await Assert.ThrowsAsync<ServerException>(() => next.ReceiveAsync(Slot, new Timeline(1), start, (_, data, token) => new ValueTask(data.CopyToAsync(received, token)), CancellationToken.None));
        Assert.Equal((long)(switched - start), received.Length);
        await next.DisposeAsync();
        await using (var session = await PostgresSession.OpenAsync(connection))
        {
            await Eventually.IsTrueAsync(async () => await ReplicationSlots.FindAsync(session, Slot) is { ActivePid: null }, "the slot is free again");
        }

        await using var last = await WalReceiver.OpenAsync(connection, Slot);
        received = new MemoryStream();
        var from = new Lsn(switched.Value & ~(SegmentBytes - 1UL));
        await ReceiveAsync(last, later, from, end, received);
        RequireEqual(cluster, later, from, received.ToArray());
    }

    static async Task ReceiveAsync(WalReceiver receiver, Timeline timeline, Lsn from, Lsn to, MemoryStream received, Func<Task>? meanwhile = null)
    {
        using var enough = new CancellationTokenSource();
        var all = new TaskCompletionSource();
        var receiving = receiver.ReceiveAsync(
            Slot,
            timeline,
            from,
            async (position, data, token) =>
            {
                Assert.Equal(from + (ulong)received.Length, position);
                await data.CopyToAsync(received, token);
                if (from + (ulong)received.Length >= to)
                {
                    all.TrySetResult();
                }
            },
            enough.Token);
        await Task.WhenAny(all.Task, receiving);
        if (!receiving.IsCompleted && meanwhile is not null)
        {
            await meanwhile();
        }

        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receiving);
    }

    static void RequireEqual(ScratchCluster cluster, Timeline timeline, Lsn start, byte[] received)
    {
        Assert.NotEmpty(received);
        for (var offset = 0; offset < received.Length; offset += SegmentBytes)
        {
            var name = WalSegmentName.FromLsn(timeline, start + (ulong)offset, Size);
            var file = File.ReadAllBytes(Path.Combine(cluster.DataDirectory, "pg_wal", name.ToString()));
            var length = Math.Min(SegmentBytes, received.Length - offset);
            Assert.True(file.AsSpan(0, length).SequenceEqual(received.AsSpan(offset, length)), $"{name} differs");
        }
    }
}
