using Npgsql;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Recovery;
using Pitr.Postgres.Sessions;
using Pitr.Postgres.Tests.BaseBackup;
using Pitr.Postgres.Tests.Servers;

namespace Pitr.Postgres.Tests.Recovery;

/// <summary>
/// A cluster that was backed up, then written to in ten transactions, then lost; its WAL is archived to the last commit. Each test recovers
/// a copy of the backup.
/// </summary>
public sealed class RecoveryScenario : IAsyncLifetime
{
    public const string RestorePoint = "after the 6th";

    readonly TestDirectory _directory = new();

    /// <summary>What the oracle knows of commit 1 to 10 (index 0 is unused).</summary>
    public Commit[] Commits { get; } = new Commit[11];

    public string ArchiveDirectory => _directory.Sub("archive");

    public string RestoreCommand => $"cp {ArchiveDirectory}/%f %p";

    public WalSegmentName LastSegment { get; private set; }

    public async Task InitializeAsync()
    {
        _directory.NewSub("archive");
        await using var cluster = await ScratchClusters.CreateAsync(
            15,
            _directory.Sub("lost"),
            WalSegmentSize.From(1 << 20),
            settings: [("archive_mode", "on"), ("archive_command", $"cp %p {ArchiveDirectory}/%f"), ("track_commit_timestamp", "on")]);
        await using (var session = await PostgresSession.OpenAsync(cluster.ConnectionString()))
        {
            await session.ExecuteAsync("CREATE TABLE t (id int PRIMARY KEY)");
            await BaseBackups.TakeAsync(cluster.BinDirectory, cluster.ConnectionString(), _directory.Sub("backup"));
            for (var id = 1; id <= 10; id++)
            {
                Commits[id] = await CommitAsync(session, id);
                if (id == 6)
                {
                    await session.ExecuteAsync($"SELECT pg_create_restore_point('{RestorePoint}')");
                }

                if (id % 3 == 0)
                {
                    await session.SwitchWalAsync();
                }
            }

            LastSegment = await session.SwitchWalAsync();
        }

        await Eventually.IsTrueAsync(() => Task.FromResult(File.Exists(Path.Combine(ArchiveDirectory, LastSegment.ToString()))), "the last segment is archived");
        await cluster.StopAsync(ServerStopMode.Immediate);
    }

    public Task DisposeAsync()
    {
        _directory.Dispose();
        return Task.CompletedTask;
    }

    /// <summary>Unpacks the backup into a new directory and starts the recovery.</summary>
    public PostgresServer StartRecovery(TestDirectory directory, RecoverySettings settings, params (string Name, string Value)[] serverSettings)
    {
        var data = directory.Sub("data");
        DirectoryCopy.Copy(_directory.Sub("backup"), data);
        settings.WriteTo(data);
        return PostgresServer.Start(new PostgresServerOptions
        {
            BinDirectory = PostgresBinaries.FindForDataDirectory(data),
            DataDirectory = data,
            SocketDirectory = directory.NewSub("socket"),
            LogFile = directory.Sub("log"),
            Settings = serverSettings.Append(("archive_mode", "off")).ToDictionary(setting => setting.Item1, setting => setting.Item2),
            StopOnDispose = ServerStopMode.Immediate,
        });
    }

    public static async Task<int[]> ReadIdsAsync(PostgresServer server)
    {
        await using var session = await PostgresSession.OpenAsync(server.ConnectionString());
        await using var command = new NpgsqlCommand("SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM t", session.Connection);
        return (int[])(await command.ExecuteScalarAsync())!;
    }

    static async Task<Commit> CommitAsync(PostgresSession session, int id)
    {
        await using var insert = new NpgsqlCommand($"INSERT INTO t VALUES ({id}) RETURNING pg_current_xact_id()::text", session.Connection);
        var xid = (string)(await insert.ExecuteScalarAsync())!;
        await using var read = new NpgsqlCommand($"SELECT pg_xact_commit_timestamp('{xid}'::xid), pg_current_wal_insert_lsn()::text", session.Connection);
        await using var row = await read.ExecuteReaderAsync();
        Assert.True(await row.ReadAsync());
        return new Commit(ulong.Parse(xid), row.GetFieldValue<DateTimeOffset>(0), Lsn.Parse(row.GetString(1)));
    }

    /// <param name="End">WAL position just behind the commit record.</param>
    public sealed record Commit(ulong Xid, DateTimeOffset Time, Lsn End);
}
