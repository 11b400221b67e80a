using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.Postgres.Tests.Servers;

/// <summary>One PostgreSQL 15 cluster for all tests that only need some running server: it archives by copying into <see cref="ArchiveDirectory"/>.</summary>
public sealed class ArchivingCluster : IAsyncLifetime
{
    TestDirectory? _directory;
    ScratchCluster? _cluster;

    public string ArchiveDirectory => _directory!.Sub("archive");

    public ScratchCluster Cluster => _cluster!;

    public string RestoreCommand => $"cp {ArchiveDirectory}/%f %p";

    public Task<PostgresSession> OpenAsync(string database = "postgres") => PostgresSession.OpenAsync(Cluster.ConnectionString(database));

    public async Task InitializeAsync()
    {
        _directory = new TestDirectory();
        _directory.NewSub("archive");
        _cluster = await ScratchClusters.CreateAsync(
            15,
            _directory.Sub("cluster"),
            settings:
            [
                ("archive_mode", "on"),
                ("archive_command", $"cp %p {ArchiveDirectory}/%f.new && mv {ArchiveDirectory}/%f.new {ArchiveDirectory}/%f"),
                ("max_prepared_transactions", "10"),
                ("track_commit_timestamp", "on"),
            ]);
    }

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }

        _directory?.Dispose();
    }
}

[CollectionDefinition(Name)]
public sealed class ArchivingClusterCollection : ICollectionFixture<ArchivingCluster>
{
    public const string Name = "archiving cluster";
}
