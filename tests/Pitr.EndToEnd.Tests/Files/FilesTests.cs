using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Files;

/// <summary>A service of kind files, through the program.</summary>
public sealed class FilesTests
{
    [Fact]
    public async Task Backups_are_whole_whatever_is_removed_and_come_back_in_part_and_in_place()
    {
        using var host = await FilesHost.CreateAsync("exclude: ['*.tmp']");
        host.Write("nginx/nginx.conf", "worker_processes 1;");
        host.Write("nginx/sites/a", new string('a', 300_000));
        host.Write("hosts", "127.0.0.1 localhost and much more, so that little of the pack is dead");
        host.Write("x.tmp", "left out");
        File.CreateSymbolicLink(Path.Combine(host.Tree, "link"), "/etc/shadow");
        await FilesHost.SettleAsync();
        var first = await host.BackupAsync();
        host.Write("nginx/nginx.conf", "worker_processes 2;");
        await FilesHost.SettleAsync();
        var second = await host.BackupAsync();
        var (firstId, secondId) = (first.GetProperty("id").GetString()!, second.GetProperty("id").GetString()!);
        Assert.Equal(0, first.GetProperty("tree").GetProperty("unchanged").GetInt32());
        Assert.Equal(2, second.GetProperty("tree").GetProperty("unchanged").GetInt32());
        Assert.Equal(firstId, second.GetProperty("base").GetString());

        var info = (await host.RunAsync("info", FilesHost.Service, "--output", "json")).Must().Json.GetProperty("services")[0];
        Assert.Equal(("files", 2), (info.GetProperty("kind").GetString(), info.GetProperty("backups").GetArrayLength()));
        (await host.RunAsync("info", FilesHost.Service)).Must().MustShow("2 backup(s) of kind files");
        Assert.DoesNotContain("x.tmp", (await host.RunAsync("info", FilesHost.Service, "--files")).Must().MustShow("/hosts", "link -> /etc/shadow").Output, StringComparison.Ordinal);
        (await host.RunAsync("info", FilesHost.Service, "--backup", firstId, "--files", "*.conf", "--output", "json")).Must().MustShow("nginx.conf\",\"type\":\"file\"");

        (await host.RunAsync("pin", FilesHost.Service, "--backup", firstId, "--reason", "look")).Must();
        (await host.RunAsync("expire", FilesHost.Service, "--backup", firstId)).Must(1).MustSay("is pinned");
        (await host.RunAsync("unpin", FilesHost.Service, "--backup", firstId)).Must();
        (await host.RunAsync("restore", FilesHost.Service, firstId, "--to", host.Directory["before"], "--path", "nginx")).Must().MustShow("restored 2 files");
        Assert.Equal("worker_processes 1;", File.ReadAllText(host.Restored("before", "nginx/nginx.conf")));
        (await host.RunAsync("expire", FilesHost.Service, "--backup", firstId)).Must();
        (await host.RunAsync("expire", FilesHost.Service)).Must().MustShow("stays");
        (await host.RunAsync("repo", "gc", FilesHost.Service, "--grace", "0s")).Must();
        (await host.RunAsync("verify", FilesHost.Service, "--all")).Must().MustShow("nothing wrong");

        (await host.RunAsync("restore", FilesHost.Service, "--to", host.Directory["dry"], "--dry-run")).Must().MustShow("would restore 3 files");
        Assert.False(Directory.Exists(host.Directory["dry"]));
        (await host.RunAsync("restore", FilesHost.Service, "--to", host.Directory["to"])).Must();
        Assert.Equal("", (await ProgramRun.RunAsync("/usr/bin/diff", ["-r", "--no-dereference", "-x", "x.tmp", host.Tree, host.Restored("to")])).Must().Output);
        (await host.RunAsync("restore", FilesHost.Service, "--to", host.Directory["to"])).Must(8).MustSay("is there and not empty");

        host.Write("hosts", "broken");
        var restored = (await host.RunAsync("restore", FilesHost.Service, "latest", "--in-place", "--path", host.Tree + "/hosts", "--output", "json")).Must().Json;
        Assert.StartsWith("127.0.0.1", File.ReadAllText(Path.Combine(host.Tree, "hosts")), StringComparison.Ordinal);
        Assert.Equal("broken", File.ReadAllText(Path.Combine(host.Tree, "hosts" + restored.GetProperty("aside-suffix").GetString())));
        (await host.RunAsync("audit", FilesHost.Service, "--output", "json")).Must().MustShow("backup", "expire", "verify", "restore");
    }

    [Fact]
    public async Task What_cannot_be_read_is_named_and_ends_with_9()
    {
        using var host = await FilesHost.CreateAsync();
        host.Write("fine", "fine");
        host.Write("secret", "secret");
        host.Write("closed/inner", "inner");
        File.SetUnixFileMode(Path.Combine(host.Tree, "secret"), UnixFileMode.None);
        File.SetUnixFileMode(Path.Combine(host.Tree, "closed"), UnixFileMode.None);

        (await host.RunAsync("backup", FilesHost.Service)).Must(9).MustSay("NOT STORED: " + Path.Combine(host.Tree, "secret"), "NOT STORED: " + Path.Combine(host.Tree, "closed"), "2 file(s) or directories could not be read");
        Assert.Equal(2, (await host.RunAsync("info", FilesHost.Service, "--output", "json")).Must().Json.GetProperty("services")[0].GetProperty("backups")[0].GetProperty("unreadable").GetInt32());
        (await host.RunAsync("verify", FilesHost.Service)).Must();
        (await host.RunAsync("restore", FilesHost.Service, "--to", host.Directory["to"])).Must().MustSay("NOT IN THE BACKUP").MustShow("restored 1 files");
        Assert.Equal("fine", File.ReadAllText(host.Restored("to", "fine")));
        File.SetUnixFileMode(Path.Combine(host.Tree, "closed"), UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        await host.BackupAsync(9);
    }

    [Fact]
    public async Task A_repository_that_was_away_gets_what_it_is_owed()
    {
        using var host = await FilesHost.CreateAsync("required: 1", withSecond: false);
        host.Write("a", "a");
        (await host.RunAsync("backup", FilesHost.Service)).Must().MustShow("not yet in repository second");
        Directory.CreateDirectory(host.Second);
        (await host.RunAsync("repo", "init", "second")).Must();
        (await host.RunAsync("repo", "catch-up", FilesHost.Service)).Must();

        (await host.RunAsync("restore", FilesHost.Service, "--to", host.Directory["to"], "--repository", "second")).Must();
        Assert.Equal("a", File.ReadAllText(host.Restored("to", "a")));
    }

    [Fact]
    public async Task Mistakes_are_said_with_the_next_step()
    {
        using var host = await FilesHost.CreateAsync();
        host.Write("a", "a");
        (await host.RunAsync("restore", FilesHost.Service, "--to", host.Directory["to"])).Must(8).MustSay("no backup of service etc yet", "pitr backup etc");
        (await host.RunAsync("backup", FilesHost.Service, "--method", "stream")).Must(1).MustSay("--method is for services of kind postgres");
        (await host.RunAsync("wal", "list", FilesHost.Service)).Must(3).MustSay("services of kind files have");
        var check = (await host.RunAsync("-o", "json", "check", FilesHost.Service)).Must();
        Assert.Contains("reached without a link", check.Output, StringComparison.Ordinal);
        Directory.Move(host.Tree, host.Tree + "-away");
        Assert.Contains("is not there to be backed up", (await host.RunAsync("check", FilesHost.Service)).Must(9).Output, StringComparison.Ordinal);
        Directory.Move(host.Tree + "-away", host.Tree);
        await host.BackupAsync();
        (await host.RunAsync("restore", FilesHost.Service, "--to", host.Directory["to"], "--path", "[a")).Must(1).MustSay("has a [ without its ]");
        (await host.RunAsync("restore", FilesHost.Service, "--to", host.Directory["to"], "--path", "/none")).Must(8).MustSay("holds nothing of what --path names");
        (await host.RunAsync("restore", FilesHost.Service, "--to", host.Directory["to"], "--in-place")).Must(1).MustSay("exclude each other");
        (await host.RunAsync("restore", FilesHost.Service, "--to", host.Directory["to"], "--target-time", "2026-01-01 00:00:00+00")).Must(1).MustSay("--target-time is not for services of kind files");
        host.Configure("one-file-system: maybe\ninclude: ['a//b']");
        (await host.RunAsync("config", "check")).Must(3).MustSay("one-file-system", "has an empty part");
        host.Configure("required: all");
        File.WriteAllText(host.Host.ConfigurationFile, File.ReadAllText(host.Host.ConfigurationFile).Replace($"[{host.Tree}]", $"[{host.Tree}, {host.Tree}/sub]", StringComparison.Ordinal));
        (await host.RunAsync("config", "check")).Must(3).MustSay("lies within");
    }
}
