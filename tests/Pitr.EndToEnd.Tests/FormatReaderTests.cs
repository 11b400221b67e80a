using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Repositories;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests;

/// <summary>docs/format-reader.py, a second implementation of docs/format.md, reads a repository of the real programs and a real server.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class FormatReaderTests(ProtectedService service)
{
    [FormatReaderFact]
    public async Task It_opens_WAL_manifest_and_files()
    {
        using var contents = new RepositoryContents(service.Host.Repository, service.Host.IdentityFile);
        var wal = Path.GetRelativePath(service.Host.Repository, service.Host.WalPath(service.FirstSegment));
        Assert.Equal(contents.Open(wal), await ReadAsync("open", wal));

        var manifest = await ReadAsync("manifest", "main", service.Backup);
        Assert.Contains("\"global/pg_control\"", System.Text.Encoding.UTF8.GetString(manifest), StringComparison.Ordinal);

        Assert.Equal("15\n"u8.ToArray(), await ReadAsync("extract", "main", service.Backup, "PG_VERSION"));
        var control = await ReadAsync("extract", "main", service.Backup, "global/pg_control");
        Assert.Equal(contents.ReadBackupFile(service.Backup, "global/pg_control"), control);
        Assert.Equal(ControlFile.Read(Path.Combine(service.Cluster.Cluster.DataDirectory, "global/pg_control")).SystemIdentifier, ControlFile.Parse(control).SystemIdentifier);
    }

    [Fact]
    public void Every_object_opens()
    {
        using var contents = new RepositoryContents(service.Host.Repository, service.Host.IdentityFile);
        contents.OpenEverything();
        Assert.Equal([service.Backup], contents.Backups);
    }

    Task<byte[]> ReadAsync(params string[] arguments) => FormatReader.ReadAsync(service.Host, arguments);
}
