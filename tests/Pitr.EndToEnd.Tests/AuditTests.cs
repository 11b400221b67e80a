using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests;

/// <summary>`pitr audit`: what was done leaves a record, however it ended.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class AuditTests : IDisposable
{
    readonly TestDirectory _directory = new();
    readonly ProtectedService _service;
    readonly PitrHost _host;

    public AuditTests(ProtectedService service)
    {
        _service = service;
        _host = service.CopyTo(_directory, withIdentity: true);
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Restores_and_expiries_leave_records_also_when_they_fail_and_dry_runs_none()
    {
        var before = (await RecordsAsync()).Length;
        (await _host.RunAsync("restore", "main", "--to", _directory["to"], "--dry-run")).Must();
        (await _host.RunAsync("expire", "main", "--backup", "20200101T000000Z")).Must(1);
        (await _host.RunAsync("restore", "main", "--to", _directory["to"], "--target", "immediate")).Must();

        var records = (await RecordsAsync())[before..];
        Assert.Equal(["expire", "restore"], records.Select(r => r.GetProperty("action").GetString()));
        Assert.Equal(1, records[0].GetProperty("exit-code").GetInt32());
        Assert.Contains("has no backup", records[0].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal((0, _directory["to"], _service.Backup), (
            records[1].GetProperty("exit-code").GetInt32(), records[1].GetProperty("subject").GetString(), records[1].GetProperty("details").GetProperty("backup").GetString()));
        Assert.Equal(Environment.UserName, records[1].GetProperty("user").GetString());

        Assert.Single(await RecordsAsync("--failed", "--since", records[0].GetProperty("ended").GetString()!));
        Assert.Equal("restore", Assert.Single(await RecordsAsync("--last", "1")).GetProperty("action").GetString());
        Assert.Contains("20200101T000000Z", (await _host.RunAsync("audit", "main", "--action", "expire")).Must().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repository_that_takes_no_record_does_not_spoil_a_restore()
    {
        var audit = _host.PathOf("services/main/audit");
        if (Directory.Exists(audit))
        {
            Directory.Delete(audit, recursive: true);
        }

        File.WriteAllText(audit, "in the way");
        var run = (await _host.RunAsync("restore", "main", "--to", _directory["to"], "--target", "immediate")).Must();
        Assert.Contains("that this restore began is missing in the audit trail", run.Errors, StringComparison.Ordinal);
        Assert.Contains("this restore is missing in the audit trail", run.Errors, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(_directory["to"], "global", "pg_control")));
    }

    [Fact]
    public async Task A_record_that_cannot_be_read_is_named()
    {
        (await _host.RunAsync("restore", "main", "--to", _directory["to"], "--target", "immediate")).Must();
        var record = Directory.GetFiles(_host.PathOf("services/main/audit")).Where(f => !f.EndsWith(".began.json", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Last();
        await File.WriteAllTextAsync(record, "{");
        (await _host.RunAsync("audit", "main")).Must(5);
        var json = JsonDocument.Parse((await _host.RunAsync("audit", "main", "--output", "json")).Must(5).Output).RootElement;
        Assert.EndsWith(Path.GetFileName(record), Assert.Single(json.GetProperty("unreadable").EnumerateArray()).GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_done_to_a_repository_by_hand_is_recorded_where_it_was_done()
    {
        var note = _directory["note"];
        await File.WriteAllTextAsync(note, "where the identity is");
        (await _host.RunAsync("repo", "put", "local", "notes/a", note, "--dry-run")).Must();
        (await _host.RunAsync("repo", "put", "local", "notes/a", note)).Must();
        (await _host.RunAsync("repo", "rm", "local", "notes/a", "notes/b", "--yes")).Must(1);
        (await _host.RunAsync("repo", "rm", "local", "notes/a", "--yes")).Must();
        (await _host.RunAsync("repo", "gc", "main", "--dry-run")).Must();
        (await _host.RunAsync("repo", "gc", "main")).Must();

        var records = (await RecordsAsync("--of-repository", "local"))[^3..];
        Assert.Equal(
            [("repo-put", "notes/a", 0), ("repo-rm", "notes/a, notes/b", 1), ("repo-rm", "notes/a", 0)],
            records.Select(r => (r.GetProperty("action").GetString(), r.GetProperty("subject").GetString(), r.GetProperty("exit-code").GetInt32())));
        Assert.All(records, record => Assert.Equal("local", record.GetProperty("repository").GetString()));
        // The service's trail shows them among its own.
        Assert.Equal(["repo-put", "repo-rm", "repo-rm", "repo-gc"], (await RecordsAsync("main", "--last", "4")).Select(r => r.GetProperty("action").GetString()));
        (await _host.RunAsync("audit", "main", "--of-repository", "local")).Must(1).MustSay("stands alone");

        // The trail itself stays, whoever owns it.
        var kept = RepositoryTrail();
        (await _host.RunAsync("repo", "rm", "local", "audit/", "--recursive", "--yes")).Must(1).MustSay("audit trail", "--force");
        (await _host.RunAsync("repo", "put", "local", "audit/x.json", note)).Must(1).MustSay("pitr itself uses");
        Assert.Subset(RepositoryTrail(), kept);
    }

    HashSet<string> RepositoryTrail() => [.. Directory.GetFiles(_host.PathOf("audit")).Select(f => Path.GetFileName(f))];

    async Task<JsonElement[]> RecordsAsync(params string[] more) =>
        [.. JsonDocument.Parse((await _host.RunAsync(["audit", .. more.Contains("--of-repository") || more is ["main", ..] ? more : ["main", .. more], "--output", "json"])).Must().Output).RootElement.GetProperty("records").EnumerateArray()];
}
