using Pitr.Format.Catalog;
using Pitr.Format.Wal;
using Pitr.Operations.Backup;
using Pitr.Operations.Services;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Tests.Backup;

/// <summary>Relations in memory whose pages get higher LSNs as they are changed, and backups of them.</summary>
sealed class SyntheticCluster
{
    public const int PageSize = 8192;

    static readonly string[] Directories = ["base", "base/5", "base/6"];

    ulong _lsn = 0x2000100;
    int _seed;
    int _minute;

    public SortedDictionary<string, List<byte[]>> Files { get; } = new(StringComparer.Ordinal);

    public ServerFacts Facts { get; set; } = SyntheticBackup.Facts;

    public Dictionary<string, string> Databases { get; } = new(SyntheticBackup.Databases, StringComparer.Ordinal);

    /// <summary>A page as it is written now.</summary>
    public byte[] Page()
    {
        _lsn += 0x100;
        return SyntheticBackup.Page(_lsn, ++_seed);
    }

    /// <summary>Makes a relation, or makes it anew.</summary>
    public void Fill(string path, int pages) => Files[path] = [.. Enumerable.Range(0, pages).Select(_ => Page())];

    /// <summary>The files as they are now, and where a backup of them begins.</summary>
    public byte[] Tar()
    {
        _lsn += 0x100;
        return SyntheticBackup.Tar(SyntheticBackup.Around(new Lsn(_lsn),
            [.. Directories.Select(d => SyntheticFile.Directory(d)), .. Files.Select(f => SyntheticFile.File(f.Key, [.. f.Value.SelectMany(p => p)]))]));
    }

    /// <summary>Takes a backup, compared with the newest complete one if there is any.</summary>
    public async Task<BackupDocument> TakeAsync(PostgresService service, byte[]? tar = null)
    {
        var (basis, _) = await new BackupBaseFinder(service).FindAsync(Facts, new Lsn(_lsn), Databases, default);
        using (basis)
        {
            return await SyntheticBackup.TakeAsync(service, tar ?? Tar(), Scenario.Start.AddMinutes(++_minute), basis, Facts, Databases);
        }
    }

    /// <summary>Restores a backup and compares every page with what was read.</summary>
    public async Task RequireSameAsync(Scenario scenario, PostgresService service, BackupDocument backup)
    {
        var directory = scenario[$"restored-{Guid.NewGuid():N}"];
        await BackupRoundTripTests.RestoreAsync(service, backup, directory);
        foreach (var (path, pages) in Files)
        {
            Assert.True(pages.SelectMany(p => p).SequenceEqual(File.ReadAllBytes(Path.Combine(directory, path))), path);
        }

        Directory.Delete(directory, recursive: true);
    }
}
