using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>What is asked of the dumps of every kind of service: they are checked, listed, verified, pinned and expired.</summary>
static class DumpLifecycle
{
    /// <summary>Takes two dumps and leaves one.</summary>
    /// <param name="host">The service, with a server that can be dumped and no dumps.</param>
    /// <param name="rehearsed">What `pitr check` says of a dump that it has tried.</param>
    public static async Task RunAsync(DumpHost host, string rehearsed)
    {
        Assert.Contains(rehearsed, (await host.RunAsync("check", DumpHost.Service)).Must().Output, StringComparison.Ordinal);
        var checks = (await host.RunAsync("check", DumpHost.Service, "-o", "json")).Must().Json;
        Assert.True(checks.GetProperty("passed").GetBoolean());
        Assert.Superset(
            new[] { "recipients", "identity", "repository first", "repository second", "backup lease", "data key", "server" }.ToHashSet(),
            checks.GetProperty("checks").EnumerateArray().Select(c => c.GetProperty("name").GetString()!).ToHashSet());
        Assert.Empty(DumpHost.Stored(host.First));

        var (old, young) = (await host.BackupAsync(), await host.BackupAsync());
        (await host.RunAsync("pin", DumpHost.Service, "--backup", old, "--reason", "before the move")).Must();
        var shown = (await host.RunAsync("info", "-o", "json")).Must().Json.GetProperty("services")[0].GetProperty("backups");
        Assert.Equal("before the move", shown[0].GetProperty("pinned").GetString());
        Assert.Contains($"backup {old} is pinned: before the move", (await host.RunAsync("info")).Must().Output, StringComparison.Ordinal);

        var verified = (await host.RunAsync("verify", DumpHost.Service, "-o", "json")).Must().Json;
        Assert.All(verified.GetProperty("repositories").EnumerateArray(), copy => Assert.Equal((2, 0), (copy.GetProperty("backups").GetInt32(), copy.GetProperty("wal-read").GetInt32())));
        Assert.Equal(0, (await host.RunAsync("verify", DumpHost.Service, "-o", "json")).Must().Json.GetProperty("repositories")[0].GetProperty("packs-read").GetInt32());

        var planned = (await host.RunAsync("expire", DumpHost.Service, "--dry-run", "-o", "json")).Must().Json.GetProperty("services")[0];
        Assert.All(planned.GetProperty("verdicts").EnumerateArray(), verdict => Assert.False(verdict.GetProperty("goes").GetBoolean()));
        (await host.RunAsync("expire", DumpHost.Service, "--backup", old)).Must(1).MustSay($"backup {old} of shop is pinned (before the move); nothing was removed");
        (await host.RunAsync("unpin", DumpHost.Service, "--backup", old)).Must();
        Assert.Contains($"shop: backup {old} is gone", (await host.RunAsync("expire", DumpHost.Service, "--backup", old)).Must().Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(DumpHost.PathOf(host.First, old)) && Directory.GetFiles(DumpHost.PathOf(host.First, old)).Length > 0);
        (await host.RunAsync("expire", DumpHost.Service, "--backup", young)).Must(1).MustSay("is the last complete one");
        (await host.RunAsync("expire", DumpHost.Service)).Must();
        (await host.RunAsync("verify", DumpHost.Service, "--all")).Must();
        Assert.Equal(1, (await host.RunAsync("repo", "stats", "first", "-o", "json")).Must().Json.GetProperty("packs")[0].GetProperty("backups").GetInt32());
    }
}
