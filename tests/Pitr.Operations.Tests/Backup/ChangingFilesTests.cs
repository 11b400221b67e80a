using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Operations.Backup;
using Pitr.Postgres.Pages;

namespace Pitr.Operations.Tests.Backup;

/// <summary>Files that change while they are read.</summary>
public sealed class ChangingFilesTests
{
    const int PageSize = SyntheticCluster.PageSize;
    const string Path = "base/5/16384";

    [Theory]
    [InlineData(0, false)]
    [InlineData(17, false)]
    [InlineData((40 * PageSize) + 100, false)]
    [InlineData(0, true)]
    [InlineData(17, true)]
    [InlineData((40 * PageSize) + 100, true)]
    public async Task What_is_left_of_a_file_that_was_cut_off_is_stored(int left, bool byPages)
    {
        await using var scenario = await Scenario.StartAsync();
        var service = scenario.Service;
        var cluster = new SyntheticCluster();
        cluster.Fill(Path, 100);
        var content = cluster.Files[Path].SelectMany(p => p).ToArray();
        var file = scenario["file"];
        await File.WriteAllBytesAsync(file, content);
        var id = new BackupId(Scenario.Start);
        var key = await service.SealingKeys.GetAsync(default);
        await using var pipeline = new PackPipeline(service, id, key, 1, default);
        using var plain = new MemoryStream();
        using var assembly = new BackupAssembly(service.Name, id, SyntheticBackup.Facts with { DataChecksums = byPages }, pipeline);
        assembly.Begin(new MemoryStream(), plain, key, SyntheticBackup.Start, new Format.Wal.Timeline(1));
        using (var packer = new FilePacker(assembly))
        using (var handle = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite))
        {
            var opened = new DiskFileContent(handle);
            RandomAccess.SetLength(handle, left);
            var entry = new PendingEntry(Path, ManifestEntryKind.File, 384, SyntheticBackup.Modified, null);
            Assert.True(RelationFileName.TryParse(Path, out var relation));
            var scan = new PageScan(assembly, Path, relation, opened, 131072);
            Assert.Equal(byPages, scan.IsNeeded);
            await (byPages ? packer.AddPagesAsync(entry, opened, scan, default) : packer.AddAsync(entry, opened, default));
            entry.Close();
            assembly.Add(entry, isFile: true);
            await packer.FlushAsync();
        }

        assembly.Complete(await pipeline.CompleteAsync());

        plain.Position = 0;
        using var manifest = new ManifestReader(plain);
        var stored = Assert.Single(manifest.ReadAll().OfType<ManifestEntry>());
        // A page that is only there in part is being added, or cut off, at this moment: recovery does it again.
        Assert.Equal(byPages ? left / PageSize * PageSize : left, stored.Size);
        Assert.Equal(stored.Size, stored.Runs.Sum(run => run.Length));
    }

    [Fact]
    public async Task A_journal_for_which_there_is_no_room_fails_no_backup()
    {
        await using var scenario = await Scenario.StartAsync();
        var service = BackupRoundTripTests.Open(scenario, 2, 1 << 20);
        var cluster = new SyntheticCluster();
        cluster.Fill(Path, 500);
        var id = new BackupId(Scenario.Start);
        var path = new JournalDirectory(service).PathOf(id);
        var directory = System.IO.Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(directory);
        File.CreateSymbolicLink(path, "/dev/full");
        using (var journal = new BackupJournal(path, service.Log))
        {
            journal.Begin(JournalHeader.Of(id, SyntheticBackup.Facts, SyntheticBackup.Start, SyntheticBackup.Databases, (await service.SealingKeys.GetAsync(default)).Id));
            journal.Store(new JournaledPack(0, 200, new string('0', 64), new string('0', 64), 100));
        }

        Directory.Delete(directory, recursive: true);
        // Nor one for whose directory there is none.
        await File.WriteAllTextAsync(directory, "");
        await cluster.RequireSameAsync(scenario, service, await cluster.TakeAsync(service));
    }
}
