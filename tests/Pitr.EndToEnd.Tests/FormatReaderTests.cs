using System.Diagnostics;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.EndToEnd.Tests.Repositories;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests;

/// <summary>docs/format-reader.py, a second implementation of docs/format.md, reads a repository of the real programs and a real server.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class FormatReaderTests(ProtectedService service)
{
    const string Python = "/usr/bin/python3";

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

    async Task<byte[]> ReadAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Python) { RedirectStandardOutput = true, UseShellExecute = false };
        foreach (var argument in (string[])[Path.Combine(AppContext.BaseDirectory, "format-reader.py"), service.Host.Repository, service.Host.IdentityFile, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        using var output = new MemoryStream();
        await process.StandardOutput.BaseStream.CopyToAsync(output);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        return output.ToArray();
    }

    /// <summary>Skipped where Debian's python3-cryptography is not installed.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    sealed class FormatReaderFactAttribute : FactAttribute
    {
        public FormatReaderFactAttribute()
        {
            if (!File.Exists(Python) || !HasCryptography())
            {
                Skip = "needs /usr/bin/python3 with python3-cryptography";
            }
        }

        static bool HasCryptography()
        {
            using var process = Process.Start(new ProcessStartInfo(Python, "-c \"import cryptography\"") { RedirectStandardError = true, UseShellExecute = false })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
    }
}
