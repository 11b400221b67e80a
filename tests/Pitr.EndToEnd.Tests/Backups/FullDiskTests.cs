using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests.Backups;

/// <summary>File systems that become full while a backup runs.</summary>
public sealed class FullDiskTests
{
    [SmallDiskFact]
    public async Task A_full_repository_ends_the_backup_and_with_room_the_next_one_goes_on()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), withAgent: false, settings: [("max_wal_size", "4GB"), ("autovacuum", "off")]);
        var host = cluster.Host;
        host.Environment["PITR_SERVICES__MAIN__BACKUP__PACK_SIZE"] = "1MiB";
        using var disk = SmallDisk.Mount(host.Repository, "size=400m");
        foreach (var entry in Directory.EnumerateDirectories(host.Repository))
        {
            TestDirectory.Copy(entry, disk.Seen(entry));
        }

        foreach (var file in Directory.EnumerateFiles(host.Repository))
        {
            File.Copy(file, disk.Seen(file));
        }

        host.Through = disk.Enter;
        cluster.Agent = await host.StartAgentAsync();
        await cluster.ExecuteAsync("CREATE TABLE bulk AS SELECT i, (SELECT string_agg(md5(random()::text || j), '') FROM generate_series(1, 50) j WHERE i > 0) v FROM generate_series(1, 16000) i");
        await cluster.EverythingIsArchivedAsync(disk.Seen(host.Repository));
        var packs = disk.Seen(host.PathOf("services/main/packs"));
        using (var backup = host.Start("backup", PitrHost.Service, "--limit", "20MB/s"))
        {
            await Eventually.IsTrueAsync(() => backup.HasExited || Count() >= 3, () => "packs are stored");
            disk.Fill();
            (await backup.EndAsync(TimeSpan.FromMinutes(2))).Must(4).MustSay("No space left on device", "HINT: ");
        }

        Assert.False(Directory.Exists(disk.Seen(host.PathOf("services/main/backups"))) && Directory.EnumerateFiles(disk.Seen(host.PathOf("services/main/backups")), "backup.json", SearchOption.AllDirectories).Any());
        disk.Free();
        await cluster.EverythingIsArchivedAsync(disk.Seen(host.Repository));
        var next = await cluster.BackupAsync();

        Assert.NotEmpty(next.GetProperty("resumed").EnumerateArray());
        Assert.Empty(Directory.EnumerateFiles(disk.Seen(host.Repository), ".tmp-*", SearchOption.AllDirectories));
        await cluster.EverythingIsArchivedAsync(disk.Seen(host.Repository));
        await using var restored = await cluster.RestoreAsync("to");
        Assert.Equal(16000, await restored.ScalarAsync<long>("SELECT count(*) FROM bulk"));

        int Count() => Directory.Exists(packs) ? Directory.EnumerateFiles(packs, "0*", SearchOption.AllDirectories).Count() : 0;
    }

    [SmallDiskFact]
    public async Task A_state_directory_that_becomes_full_fails_no_backup()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20));
        var host = cluster.Host;
        host.Environment["PITR_SERVICES__MAIN__BACKUP__PACK_SIZE"] = "1MiB";
        await cluster.ExecuteAsync("CREATE TABLE t AS SELECT i, repeat(md5(i::text), 20) v FROM generate_series(1, 20000) i");
        using var disk = SmallDisk.Mount(Directory.CreateDirectory(host.StateDirectory).FullName, "size=8m");
        host.Through = disk.Enter;
        var first = await cluster.BackupAsync();
        disk.Fill();
        await cluster.ExecuteAsync("UPDATE t SET v = md5(v) WHERE i % 3 = 0");

        var second = (await host.RunAsync("--output", "json", "backup", PitrHost.Service)).Must().MustSay("if this backup is interrupted, the next one copies again").Json;

        Assert.Equal(first.GetProperty("id").GetString(), second.GetProperty("base").GetString());
        disk.Free();
        Assert.Equal(second.GetProperty("id").GetString(), (await cluster.BackupAsync()).GetProperty("base").GetString());
        host.Through = [];
        await cluster.ArchiveEverythingAsync();
        await using var restored = await cluster.RestoreAsync("to");
        Assert.Equal(6666, await restored.ScalarAsync<long>("SELECT count(*) FROM t WHERE length(v) = 32"));
    }
}
