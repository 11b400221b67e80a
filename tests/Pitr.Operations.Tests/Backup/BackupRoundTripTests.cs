using System.Diagnostics;
using System.Text;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Backup;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.Limits;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Backup;

public class BackupRoundTripTests
{
    const int Piece = RecordDraft.Capacity;

    public static TheoryData<int, long> Shapes => new() { { 1, 32L << 20 }, { 1, 1 << 20 }, { 3, 1 << 20 }, { 4, 1 } };

    [Theory]
    [MemberData(nameof(Shapes))]
    public async Task What_was_copied_comes_back_byte_for_byte(int jobs, long packSize)
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var service = Open(scenario, jobs, packSize);
        int[] sizes = [0, 1, 2, 511, 8191, 8192, 8193, 65535, 65536, 65537, Piece - 1, Piece, Piece + 1, (2 * Piece) - 1, 2 * Piece, (3 * Piece) + 17, (5 * Piece) + 8192];
        var files = SyntheticBackup.Around(
        [
            SyntheticFile.Directory("base"),
            SyntheticFile.Directory("base/1"),
            .. sizes.SelectMany(size => new[]
            {
                SyntheticFile.File($"base/1/n{size}", SyntheticFile.Noise(size, size + 1)),
                SyntheticFile.File($"base/1/z{size}", new byte[size]),
                SyntheticFile.File($"base/1/t{size}", Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("row ", (size / 4) + 1)))[..size]),
            }),
            SyntheticFile.File("base/1/mixed", [.. SyntheticFile.Noise(Piece, 1), .. new byte[Piece], .. SyntheticFile.Noise(100, 2), .. new byte[2 * Piece]]),
        ]);

        var backup = await SyntheticBackup.TakeAsync(service, SyntheticBackup.Tar(files));
        await RequireSameAsync(scenario, service, backup, files);

        Assert.Equal(files.Sum(f => (long)f.Content.Length), backup.DatabaseBytes);
        Assert.Equal(files.Count(f => f.Kind == System.Formats.Tar.TarEntryType.RegularFile), backup.Files);
        foreach (var pack in backup.Packs.Append(backup.Manifest))
        {
            Assert.Equal(pack.Size, new FileInfo(scenario.PathOf(pack.Key, 2)).Length);
            Assert.Equal(pack.Sha256, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(scenario.PathOf(pack.Key, 1)))));
        }
    }

    [Fact]
    public async Task Random_trees_come_back()
    {
        await using var scenario = await Scenario.StartAsync();
        for (var round = 0; round < 8; round++)
        {
            var random = new Random(round);
            var service = Open(scenario, random.Next(1, 4), random.Next(1, 3) << 20);
            var files = SyntheticBackup.Around([.. Enumerable.Range(0, random.Next(0, 60)).Select(n => SyntheticFile.File(
                $"global/{n}",
                random.Next(3) switch
                {
                    0 => new byte[random.Next(0, 3 * Piece)],
                    1 => SyntheticFile.Noise(random.Next(0, 3000), n),
                    _ => SyntheticFile.Noise(random.Next(0, 3 * Piece), n),
                }))]);

            var backup = await SyntheticBackup.TakeAsync(service, SyntheticBackup.Tar(files), Scenario.Start.AddMinutes(round));

            await RequireSameAsync(scenario, service, backup, files, $"restored-{round}");
        }
    }

    [Fact]
    public async Task Modes_and_times_come_back()
    {
        await using var scenario = await Scenario.StartAsync();
        const UnixFileMode GroupCanRead = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        var files = SyntheticBackup.Around(
            SyntheticFile.Directory("base", GroupCanRead | UnixFileMode.UserExecute | UnixFileMode.GroupExecute),
            SyntheticFile.File("base/group", [1], GroupCanRead),
            SyntheticFile.File("base/read-only", [1], UnixFileMode.UserRead),
            SyntheticFile.File("base/odd", [1], UnixFileMode.UserRead | UnixFileMode.GroupWrite | UnixFileMode.OtherExecute));

        var backup = await SyntheticBackup.TakeAsync(scenario.Service, SyntheticBackup.Tar(files));

        await RequireSameAsync(scenario, scenario.Service, backup, files);
    }

    [Fact]
    public async Task Zeros_take_no_room_in_the_repository_nor_on_disk()
    {
        await using var scenario = await Scenario.StartAsync();
        var files = SyntheticBackup.Around(SyntheticFile.File("global/zeros", new byte[64 << 20]));

        var backup = await SyntheticBackup.TakeAsync(scenario.Service, SyntheticBackup.Tar(files));
        await RestoreAsync(scenario.Service, backup, scenario["restored"]);

        Assert.InRange(backup.StoredBytes, 1, 20_000);
        var path = Path.Combine(scenario["restored"], "global/zeros");
        Assert.Equal(64 << 20, new FileInfo(path).Length);
        using var stat = Process.Start(new ProcessStartInfo("stat", ["-c", "%b", path]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        Assert.InRange(long.Parse(await stat.StandardOutput.ReadToEndAsync()), 0, 64);
        await stat.WaitForExitAsync();
    }

    [Fact]
    public async Task Small_files_share_records_and_packs()
    {
        await using var scenario = await Scenario.StartAsync();
        var files = SyntheticBackup.Around([.. Enumerable.Range(0, 2000).Select(n => SyntheticFile.File($"global/{n}", Encoding.ASCII.GetBytes($"file {n}")))]);
        var service = Open(scenario, 1, 32 << 20);

        var backup = await SyntheticBackup.TakeAsync(service, SyntheticBackup.Tar(files));

        Assert.Single(backup.Packs);
        await RequireSameAsync(scenario, service, backup, files);
    }

    [Fact]
    public async Task A_tar_with_an_entry_for_the_root_is_taken()
    {
        await using var scenario = await Scenario.StartAsync();
        var around = SyntheticBackup.Around();
        SyntheticFile[] files = [around[0], SyntheticFile.Directory("./"), .. around[1..]];

        var backup = await SyntheticBackup.TakeAsync(scenario.Service, SyntheticBackup.Tar(files));

        await RequireSameAsync(scenario, scenario.Service, backup, around);
    }

    [Fact]
    public async Task A_tar_without_label_or_control_file_is_no_backup()
    {
        await using var scenario = await Scenario.StartAsync();
        var around = SyntheticBackup.Around(SyntheticFile.File("global/1", [1]));

        await Assert.ThrowsAsync<RefusedInputException>(() => SyntheticBackup.TakeAsync(scenario.Service, SyntheticBackup.Tar(around[1..])));
        await Assert.ThrowsAsync<RefusedInputException>(() => SyntheticBackup.TakeAsync(scenario.Service, SyntheticBackup.Tar(around[..^1])));
        await Assert.ThrowsAsync<RefusedInputException>(() => SyntheticBackup.TakeAsync(scenario.Service, SyntheticBackup.Tar(SyntheticFile.File("backup_label", new byte[100_000]))));
        Assert.Empty(await new BackupCatalog(scenario.Service).ListAsync(default));
    }

    [Fact]
    public async Task A_tar_that_breaks_off_is_no_backup()
    {
        await using var scenario = await Scenario.StartAsync();
        var tar = SyntheticBackup.Tar(SyntheticBackup.Around(SyntheticFile.File("global/1", SyntheticFile.Noise(3 * Piece, 1))));

        foreach (var length in new[] { 600, Piece, 2 * Piece })
        {
            await Assert.ThrowsAnyAsync<Exception>(() => SyntheticBackup.TakeAsync(scenario.Service, tar[..length]));
        }

        Assert.Empty(await new BackupCatalog(scenario.Service).ListAsync(default));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(1, 2)]
    [InlineData(0, 5)]
    public async Task A_pack_that_cannot_be_stored_ends_the_backup_with_its_reason(int repository, int afterPacks)
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var service = Open(scenario, 2, 1 << 20);
        await service.SealingKeys.GetAsync(default);
        var full = new StorageException("r", null, "disk full", isTransient: false);
        scenario.Stores[repository].Inject(StoreFault.FailBefore(StoreOperation.Put, full).On(k => k.Contains("/packs/", StringComparison.Ordinal)).After(afterPacks).Repeated(int.MaxValue));
        var tar = SyntheticBackup.Tar(SyntheticBackup.Around([.. Enumerable.Range(0, 60).Select(n => SyntheticFile.File($"global/{n}", SyntheticFile.Noise(Piece, n)))]));

        var error = await Assert.ThrowsAsync<StorageException>(() => SyntheticBackup.TakeAsync(service, tar));

        Assert.Contains("disk full", error.Message, StringComparison.Ordinal);
        Assert.Empty(await new BackupCatalog(service).ListAsync(default));
        scenario.Stores[repository].Heal();
        await RestoreAsync(service, await SyntheticBackup.TakeAsync(service, tar, Scenario.Start.AddSeconds(1)), scenario["restored"]);
    }

    [Fact]
    public async Task A_pack_whose_answer_was_lost_can_be_put_again()
    {
        await using var scenario = await Scenario.StartAsync();
        var id = new BackupId(Scenario.Start);
        await scenario.Store.PutAsync(RepositoryLayout.Pack(scenario.Service.Name, id, 0), new byte[] { 1 }, PutMode.CreateNew, default);
        var files = SyntheticBackup.Around(SyntheticFile.File("global/1", [1]));

        var backup = await SyntheticBackup.TakeAsync(scenario.Service, SyntheticBackup.Tar(files));

        await RequireSameAsync(scenario, scenario.Service, backup, files);
    }

    [Fact]
    public async Task A_limit_holds_back_what_is_read()
    {
        await using var scenario = await Scenario.StartAsync();
        var service = Open(scenario, 2, 1 << 20);
        var key = await service.SealingKeys.GetAsync(default);
        var tar = SyntheticBackup.Tar(SyntheticBackup.Around([.. Enumerable.Range(0, 12).Select(n => SyntheticFile.File($"global/{n}", SyntheticFile.Noise(Piece, n)))]));
        var limit = new BandwidthLimit(4 * Piece, TimeProvider.System);
        await using var pipeline = new PackPipeline(service, new BackupId(Scenario.Start), key, 2, default);
        var started = Stopwatch.GetTimestamp();
        using var assembly = new BackupAssembly(service.Name, new BackupId(Scenario.Start), SyntheticBackup.Noise, pipeline) { Limit = limit };
        await SyntheticBackup.Reader(assembly, new MemoryStream(), key).ReadAsync(new MemoryStream(tar), default);
        // Three seconds' worth, of which a quarter of a second's may have been saved up.
        Assert.True(Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(2), "it was read faster than the limit");
    }

    [Fact]
    public async Task Cancelling_ends_a_backup_whose_uploads_hang()
    {
        await using var scenario = await Scenario.StartAsync();
        var service = Open(scenario, 2, 1 << 20);
        var key = await service.SealingKeys.GetAsync(default);
        var stuck = scenario.Store.Inject(StoreFault.Hold(StoreOperation.Put).Repeated(int.MaxValue));
        using var cancellation = new CancellationTokenSource();
        var tar = SyntheticBackup.Tar(SyntheticBackup.Around([.. Enumerable.Range(0, 60).Select(n => SyntheticFile.File($"global/{n}", SyntheticFile.Noise(Piece, n)))]));

        var taking = Task.Run(async () =>
        {
            await using var pipeline = new PackPipeline(service, new BackupId(Scenario.Start), key, 2, cancellation.Token);
            using var assembly = new BackupAssembly(service.Name, new BackupId(Scenario.Start), SyntheticBackup.Noise, pipeline);
            await SyntheticBackup.Reader(assembly, new MemoryStream(), key).ReadAsync(new MemoryStream(tar), cancellation.Token);
        });
        await stuck.Reached;
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => taking);
    }

    internal static PostgresService Open(Scenario scenario, int jobs, long packSize) =>
        scenario.Open(change: s => s with { Backup = s.Backup with { Jobs = jobs, PackSize = packSize } });

    internal static async Task RestoreAsync(PostgresService service, BackupDocument backup, string directory)
    {
        var target = RestoreDirectory.Prepare(directory);
        await new RestoreFiles(service).RestoreAsync(backup, target, null, default);
        target.Complete();
    }

    internal static async Task RequireSameAsync(Scenario scenario, PostgresService service, BackupDocument backup, SyntheticFile[] files, string name = "restored")
    {
        var directory = scenario[name];
        await RestoreAsync(service, backup, directory);
        Assert.Equal(
            files.Select(f => f.Path).Order(StringComparer.Ordinal),
            Directory.EnumerateFileSystemEntries(directory, "*", SearchOption.AllDirectories).Select(p => Path.GetRelativePath(directory, p)).Order(StringComparer.Ordinal));
        foreach (var file in files)
        {
            var path = Path.Combine(directory, file.Path);
            Assert.True(file.Mode == File.GetUnixFileMode(path), $"{file.Path}: {File.GetUnixFileMode(path)}");
            if (file.Kind == System.Formats.Tar.TarEntryType.RegularFile)
            {
                Assert.True(file.Content.AsSpan().SequenceEqual(File.ReadAllBytes(path)), file.Path);
                Assert.Equal(file.Modified.UtcDateTime, File.GetLastWriteTimeUtc(path));
            }
        }
    }
}
