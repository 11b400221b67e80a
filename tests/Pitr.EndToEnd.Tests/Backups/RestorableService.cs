using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests.Backups;

/// <summary>
/// Two backups in many small packs, with a tablespace, the second one of changed pages only; everything archived, the server stopped. A repository
/// that gives no more than 40 MB/s makes a restore long enough to be hit in its middle.
/// </summary>
public sealed class RestorableService : IAsyncLifetime
{
    ProtectedCluster? _cluster;

    internal ProtectedCluster Cluster => _cluster!;

    internal PitrHost Host => Cluster.Host;

    internal string First { get; private set; } = "";

    internal string Second { get; private set; } = "";

    /// <summary>The rows at the end of the archive.</summary>
    internal IReadOnlyList<string> Content { get; private set; } = [];

    /// <summary>What a restore of the second backup makes when nobody disturbs it.</summary>
    internal RestoredTree Reference { get; private set; } = RestoredTree.Nothing;

    /// <summary>Packs of which that restore takes something.</summary>
    internal int Packs { get; private set; }

    string Space => Cluster.Directory["space"];

    public async Task InitializeAsync()
    {
        _cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), settings: [("autovacuum", "off")]);
        var text = await File.ReadAllTextAsync(Host.ConfigurationFile);
        await File.WriteAllTextAsync(Host.ConfigurationFile, text
            .Replace("    repositories: [local]", "    repositories: [local]\n    backup: { pack-size: 1MiB }", StringComparison.Ordinal)
            .Replace("\n# Everything stored is sealed", "\n    download-limit: 40MB/s\n# Everything stored is sealed", StringComparison.Ordinal));
        Directory.CreateDirectory(Space);
        await Cluster.ExecuteAsync($"CREATE TABLESPACE fast LOCATION '{Space}'");
        await Cluster.ExecuteAsync(
            """
            CREATE TABLE bulk AS SELECT i, (SELECT string_agg(md5((i * j)::text), '') FROM generate_series(1, 40) j) v FROM generate_series(1, 16000) i;
            CREATE TABLE there TABLESPACE fast AS TABLE bulk; CREATE INDEX ON bulk (i); CREATE INDEX ON there (i) TABLESPACE fast;
            """);
        First = (await Cluster.BackupAsync()).GetProperty("id").GetString()!;
        await Cluster.ExecuteAsync("UPDATE bulk SET v = md5(v) WHERE i % 100 < 3; DELETE FROM there WHERE i % 50 = 0; CREATE TABLE late AS SELECT generate_series(1, 1000) i");
        var second = await Cluster.BackupAsync();
        Second = second.GetProperty("id").GetString()!;
        Packs = second.GetProperty("packs").GetArrayLength() + second.GetProperty("older-packs").GetArrayLength();
        await Cluster.ExecuteAsync("INSERT INTO late VALUES (0)");
        await Cluster.ArchiveEverythingAsync();
        Content = await ClusterContent.ReadAsync(Cluster.Cluster.ConnectionString());
        await Cluster.Cluster.StopAsync();
        var reference = Cluster.Directory["reference"];
        (await Host.RunAsync(Restore(reference))).Must();
        Reference = Tree(reference);
    }

    /// <summary>Arguments of a restore of the second backup; the tablespace goes beside the directory.</summary>
    internal string[] Restore(string to, params string[] more) => ["restore", PitrHost.Service, "--to", to, "--tablespace-map", $"{Space}={to}.space", .. more];

    /// <summary>What is in the directories of a restore.</summary>
    internal static RestoredTree Tree(string directory) => RestoredTree.Read(directory, directory + ".space");

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }
}

[CollectionDefinition(Name)]
public sealed class RestorableServiceCollection : ICollectionFixture<RestorableService>
{
    public const string Name = "restorable service";
}
