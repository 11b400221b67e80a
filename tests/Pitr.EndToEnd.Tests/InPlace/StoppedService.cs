using Pitr.EndToEnd.Tests.Clusters;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests.InPlace;

/// <summary>A cluster with a tablespace and two backups, everything archived, its server stopped: what every <see cref="LiveService"/> is a copy of.</summary>
public sealed class StoppedService : IAsyncLifetime
{
    /// <summary>Rows of both tables as one text.</summary>
    internal const string Rows = "SELECT (SELECT string_agg(note, ' ' ORDER BY id) FROM notes) || ', ' || (SELECT string_agg(note, ' ' ORDER BY id) FROM there)";

    ProtectedCluster? _cluster;

    internal ProtectedCluster Cluster => _cluster!;

    internal string Space => Cluster.Directory["space"];

    /// <summary>A moment after the backup, and what the tables held then.</summary>
    internal string Moment { get; private set; } = "";

    internal string RowsThen { get; private set; } = "";

    /// <summary>What they hold at the end.</summary>
    internal string RowsNow { get; private set; } = "";

    public async Task InitializeAsync()
    {
        _cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), settings: [("autovacuum", "off")]);
        Directory.CreateDirectory(Space);
        await Cluster.ExecuteAsync($"CREATE TABLESPACE fast LOCATION '{Space}'");
        await Cluster.ExecuteAsync(
            """
            CREATE TABLE notes (id serial, note text); CREATE TABLE there (id serial, note text) TABLESPACE fast;
            INSERT INTO notes (note) VALUES ('before'); INSERT INTO there (note) VALUES ('before');
            """);
        await Cluster.BackupAsync();
        await Cluster.ExecuteAsync("INSERT INTO notes (note) VALUES ('wanted'); INSERT INTO there (note) VALUES ('wanted')");
        RowsThen = await Cluster.ScalarAsync<string>(Rows);
        Moment = await Cluster.ScalarAsync<string>("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
        await Cluster.ExecuteAsync("INSERT INTO notes (note) VALUES ('mistake'); INSERT INTO there (note) VALUES ('mistake')");
        RowsNow = await Cluster.ScalarAsync<string>(Rows);
        await Cluster.ArchiveEverythingAsync();
        await Cluster.Cluster.StopAsync();
    }

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }
}

[CollectionDefinition(Name)]
public sealed class StoppedServiceCollection : ICollectionFixture<StoppedService>
{
    public const string Name = "stopped service";
}
