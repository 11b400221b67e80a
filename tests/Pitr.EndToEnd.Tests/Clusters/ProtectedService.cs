using System.Security.Cryptography;
using System.Text.Json;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests.Clusters;

/// <summary>
/// One protected cluster for all tests that only look at what is stored, or at a copy of it: two rows' worth of unmistakable content before
/// the backup, some after it, everything archived. Tests must leave the repository whole.
/// </summary>
public sealed class ProtectedService : IAsyncLifetime
{
    public const string Content = "SELECT string_agg(t::text, E'\\n' ORDER BY id) FROM canaries t";

    ProtectedCluster? _cluster;

    internal ProtectedCluster Cluster => _cluster!;

    internal PitrHost Host => Cluster.Host;

    /// <summary>Texts that stand in rows, in the backup and in WAL.</summary>
    internal IReadOnlyList<string> Texts { get; } = Enumerable.Range(0, 20).Select(i => $"canary {i} of the loaded rows: {Guid.NewGuid():N}{Guid.NewGuid():N}").ToArray();

    /// <summary>Content that no compressor changes, stored as it is in a table's pages.</summary>
    internal byte[] Noise { get; } = RandomNumberGenerator.GetBytes(1500);

    internal string Backup { get; private set; } = "";

    /// <summary>Just before the backup was begun.</summary>
    internal DateTimeOffset BeforeBackup { get; private set; }

    /// <summary>The table after the backup, and the moment it was so.</summary>
    internal string ContentThen { get; private set; } = "";

    internal string Then { get; private set; } = "";

    /// <summary>The table at the end of the archive.</summary>
    internal string ContentLatest { get; private set; } = "";

    /// <summary>Two completed segments in sequence.</summary>
    internal string FirstSegment { get; private set; } = "";

    internal string LastSegment { get; private set; } = "";

    public async Task InitializeAsync()
    {
        _cluster = await ProtectedCluster.CreateAsync(settings: [("autovacuum", "off")]);
        await Cluster.ExecuteAsync($"CREATE TABLE canaries (id int, note text, noise bytea); {Insert(0, 10)}; ALTER TABLE canaries ALTER noise SET STORAGE PLAIN; UPDATE canaries SET noise = '\\x{Convert.ToHexString(Noise)}' WHERE id = 1");
        BeforeBackup = TimeProvider.System.GetUtcNow();
        Backup = (await Cluster.BackupAsync()).GetProperty("id").GetString()!;
        await Cluster.ExecuteAsync(Insert(10, 15));
        await Cluster.ExecuteAsync("SELECT pg_create_restore_point('after fifteen')");
        ContentThen = await Cluster.ScalarAsync<string>(Content);
        Then = await Cluster.ScalarAsync<string>("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
        FirstSegment = await Cluster.ArchiveEverythingAsync();
        await Cluster.ExecuteAsync(Insert(15, 20));
        LastSegment = await Cluster.ArchiveEverythingAsync();
        ContentLatest = await Cluster.ScalarAsync<string>(Content);
    }

    string Insert(int from, int to) =>
        "INSERT INTO canaries VALUES " + string.Join(", ", Enumerable.Range(from, to - from).Select(i => $"({i}, '{Texts[i]}', NULL)"));

    /// <summary>Another machine: a copy of the repository, the identity, and nothing else.</summary>
    internal PitrHost CopyTo(TestDirectory directory, bool withIdentity = true)
    {
        var repository = directory["repository"];
        TestDirectory.Copy(Host.Repository, repository);
        var host = new PitrHost(directory.New("machine"), repository);
        File.Copy(Path.Combine(Host.Directory, "recipient.pem"), Path.Combine(host.Directory, "recipient.pem"));
        if (withIdentity)
        {
            File.Copy(Host.IdentityFile, host.IdentityFile);
        }

        host.WriteConfiguration();
        return host;
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
public sealed class ProtectedServiceCollection : ICollectionFixture<ProtectedService>
{
    public const string Name = "protected service";
}
