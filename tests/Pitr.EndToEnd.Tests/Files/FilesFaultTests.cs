using System.Globalization;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Files;

/// <summary>Trees that change while they are backed up, and disks that fill up, through the program.</summary>
public sealed class FilesFaultTests
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task A_file_that_changes_and_files_that_vanish_while_they_are_read_are_named_and_no_failure()
    {
        using var host = await FilesHost.CreateAsync("backup: { jobs: 1, limit: 1MB/s }");
        var first = Path.Combine(host.Tree, "a-log");
        File.WriteAllBytes(first, new byte[1_500_000].Select((_, i) => (byte)(i * 31)).ToArray());
        for (var i = 0; i < 50; i++)
        {
            host.Write($"z/{i:00}", $"{i}");
        }

        host.Write("kept", "kept");
        using var backup = host.Host.Start("backup", FilesHost.Service);
        // It is being read; the others are not yet.
        await Eventually.IsTrueAsync(() => backup.HasExited || Reads(backup, first), () => "the first file is read");
        Assert.False(backup.HasExited);
        Directory.Delete(Path.Combine(host.Tree, "z"), recursive: true);
        while (!backup.HasExited)
        {
            await File.AppendAllTextAsync(first, "one more line\n");
            await Task.Delay(20);
        }

        var run = (await backup.EndAsync(Patience)).Must().MustSay($"CHANGED: {first}", $"VANISHED: {host.Tree}/z");
        Assert.DoesNotContain("NOT STORED", run.Errors, StringComparison.Ordinal);
        (await host.RunAsync("verify", FilesHost.Service)).Must();
        (await host.RunAsync("restore", FilesHost.Service, "--to", host.Directory["to"])).Must();
        Assert.Equal("kept", File.ReadAllText(host.Restored("to", "kept")));
        Assert.Equal(new byte[1_500_000].Select((_, i) => (byte)(i * 31)), File.ReadAllBytes(host.Restored("to", "a-log")).Take(1_500_000));
    }

    [SmallDiskFact]
    public async Task A_repository_that_fills_up_is_no_backup_and_a_full_disk_ends_a_restore_that_leaves_nothing()
    {
        using var host = await FilesHost.CreateAsync("objectives: { rpo: 1d, rto: 1h }", withSecond: false);
        var noise = new byte[3_000_000];
        Random.Shared.NextBytes(noise);
        File.WriteAllBytes(Path.Combine(host.Tree, "noise"), noise);
        host.Write("small", "small");
        Directory.CreateDirectory(host.Second);
        using (var disk = SmallDisk.Mount(host.Second, "size=1m"))
        {
            host.Host.Through = disk.Enter;
            (await host.RunAsync("repo", "init", "second")).Must();
            (await host.RunAsync("backup", FilesHost.Service)).Must(4).MustSay("No space left on device");
            (await host.RunAsync("info", "--output", "json")).Must();
            Assert.Empty((await host.RunAsync("info", FilesHost.Service, "--output", "json")).Must().Json.GetProperty("services")[0].GetProperty("backups").EnumerateArray());
        }

        host.Host.Through = [];
        (await host.RunAsync("repo", "init", "second")).Must();
        await host.BackupAsync();
        var small = host.Directory.New("small");
        using var full = SmallDisk.Mount(small, "size=2m");
        host.Host.Through = full.Enter;
        (await host.RunAsync("restore", FilesHost.Service, "--to", Path.Combine(small, "to"))).Must(1).MustSay("No space left on device", "make room", "everything else was removed");
        Assert.Empty(Directory.EnumerateFiles(full.Seen(small), "*", SearchOption.AllDirectories));
        // A drill says beforehand that there is no room.
        var drill = (await host.RunAsync("--output", "json", "drill", FilesHost.Service, "--scratch", small)).Must(9).Json;
        Assert.Matches("the scratch space has [0-9]+ bytes free; the files have 3000005", Assert.Single(drill.GetProperty("failures").EnumerateArray()).GetString());
        Assert.Equal(["to"], Directory.EnumerateFileSystemEntries(full.Seen(small)).Select(Path.GetFileName));
    }

    static bool Reads(RunningProgram program, string file)
    {
        var descriptors = string.Create(CultureInfo.InvariantCulture, $"/proc/{program.ProcessId}/fd");
        try
        {
            return Directory.EnumerateFiles(descriptors).Any(descriptor => new FileInfo(descriptor).LinkTarget == file);
        }
        catch (IOException)
        {
            // It has ended, or closed one meanwhile.
            return false;
        }
    }
}
