using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests;

/// <summary>What `pitr wal search` takes, says and answers when not everything can be read.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class WalSearchCommandTests(ProtectedService service) : IDisposable
{
    readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Commits_and_restore_points_are_listed_between_two_moments()
    {
        var run = (await service.Host.RunAsync("--output", "json", "wal", "search", "main", "--kind", "commit,restore-point", "--to", "after fifteen", "--limit", "100000")).Must();
        var findings = run.Json.GetProperty("findings").EnumerateArray().ToArray();
        Assert.Equal("after fifteen", findings[^1].GetProperty("restore-point").GetString());
        Assert.True(findings[^2].GetProperty("xid").GetUInt32() >= 3);
        Assert.True(findings[^2].GetProperty("time").GetDateTimeOffset() <= findings[^1].GetProperty("time").GetDateTimeOffset());
        Assert.Equal(run.Json.GetProperty("commits").GetInt64(), findings.Count(f => f.GetProperty("kinds")[0].GetString() == "commit"));

        // By time, what was committed after it is out.
        var text = (await service.Host.RunAsync("wal", "search", "main", "--kind", "restore-point", "--from", service.Then)).Must();
        Assert.DoesNotContain("after fifteen", text.Output, StringComparison.Ordinal);
        Assert.StartsWith("0 found; searched", text.Output.Trim(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Documented_members_are_there()
    {
        var run = (await service.Host.RunAsync("--output", "json", "wal", "search", "--kind", "all", "--limit", "3")).Must();
        RequireMembers(
            run.Json, "format", "service", "timeline", "from", "to", "first-wal", "last-wal", "segments-read", "commits", "first-commit", "last-commit", "found", "findings", "complete", "problems", "server");
        Assert.Equal(3, run.Json.GetProperty("findings").GetArrayLength());
        RequireMembers(
            run.Json.GetProperty("findings")[0], "kinds", "destructive", "lsn", "time", "xid", "restore-point", "database-oid", "database", "footprints", "stop-before", "backup", "restore", "extract");
    }

    [Fact]
    public async Task What_makes_no_sense_is_refused()
    {
        (await service.Host.RunAsync("wal", "search", "main", "--kind", "everything")).Must(2).MustSay("everything", "restore-point");
        (await service.Host.RunAsync("wal", "search", "main", "--limit", "0")).Must(2);
        (await service.Host.RunAsync("wal", "search", "main", "--target-timeline", "newest")).Must(2);
        (await service.Host.RunAsync("wal", "search", "main", "--from", "2026-11-21 03:15:00")).Must(1).MustSay("+00", "HINT:");
        (await service.Host.RunAsync("wal", "search", "main", "--from", "0/5000000", "--to", "0/1000000")).Must(1).MustSay("before it begins");
        (await service.Host.RunAsync("wal", "search", "main", "--from", "no such point")).Must(8).MustSay("no such point");
        (await service.Host.RunAsync("wal", "search", "main", "--target-timeline", "7")).Must(8).MustSay("timeline 7");
    }

    [Fact]
    public async Task What_cannot_be_read_is_said_and_changes_the_exit_code()
    {
        var machine = service.CopyTo(_directory);
        File.Delete(machine.WalPath(service.FirstSegment));
        var gap = (await machine.RunAsync("--output", "json", "wal", "search", "main", "--kind", "all")).Must(5).MustSay(service.FirstSegment, "not in the archive", "HINT:");
        Assert.False(gap.Json.GetProperty("complete").GetBoolean());
        var problem = Assert.Single(gap.Json.GetProperty("problems").EnumerateArray());
        Assert.Equal((service.FirstSegment, true, 5), (problem.GetProperty("first-wal").GetString()!, problem.GetProperty("missing").GetBoolean(), problem.GetProperty("exit-code").GetInt32()));
        Assert.Contains("NOT COMPLETE", (await machine.RunAsync("wal", "search", "main")).Must(5).Output, StringComparison.Ordinal);
        // Elsewhere it is nobody's business.
        (await machine.RunAsync("wal", "search", "main", "--to", "0/1000000")).Must();

        File.WriteAllText(machine.WalPath(service.LastSegment), "no sealed object");
        (await machine.RunAsync("wal", "search", "main")).Must(5).MustSay(service.LastSegment);
        File.Delete(machine.IdentityFile);
        (await machine.RunAsync("wal", "search", "main", "--kind", "commit")).Must(5).MustSay("identity");
    }

    static void RequireMembers(JsonElement json, params string[] names) => Assert.Equal(names, json.EnumerateObject().Select(member => member.Name));
}
