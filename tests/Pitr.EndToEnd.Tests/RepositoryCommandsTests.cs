using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests;

/// <summary>`pitr repo …` on a copy of a real repository: files, and each kind of server.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class RepositoryCommandsTests : IDisposable
{
    readonly TestDirectory _directory = new();
    readonly ProtectedService _service;
    readonly PitrHost _host;

    public RepositoryCommandsTests(ProtectedService service)
    {
        _service = service;
        _host = service.CopyTo(_directory);
        Configure();
    }

    public void Dispose() => _directory.Dispose();

    string Segment => $"services/main/wal/{_service.FirstSegment[..8]}/{_service.FirstSegment[8..16]}/{_service.FirstSegment}";

    [Fact]
    public async Task A_copy_restores_like_the_original()
    {
        (await _host.RunAsync("repo", "copy", "local", "second")).Must(4).MustSay("second", "HINT:");
        Assert.False(Directory.Exists(_directory["second"]));
        _directory.New("second");
        (await _host.RunAsync("repo", "copy", "local", "second")).Must(4).MustSay("second", "--init");
        var dry = (await JsonAsync("repo", "copy", "local", "second", "--init", "--dry-run")).Json;
        var copied = (await JsonAsync("repo", "copy", "local", "second", "--init")).Json;
        Assert.Equal(dry.GetProperty("copied").GetInt64(), copied.GetProperty("copied").GetInt64());
        Assert.Equal([$"main/{_service.Backup}"], copied.GetProperty("backups").EnumerateArray().Select(id => id.GetString()));
        Assert.Equal(0, (await JsonAsync("repo", "copy", "local", "second", "--read-back")).Json.GetProperty("copied").GetInt64());

        var second = new PitrHost(_directory.New("elsewhere"), _directory["second"]);
        File.Copy(_host.IdentityFile, second.IdentityFile);
        File.Copy(Path.Combine(_host.Directory, "recipient.pem"), Path.Combine(second.Directory, "recipient.pem"));
        second.WriteConfiguration();
        await using var restored = await RestoredCluster.StartAsync(second, _directory["to"]);
        Assert.Equal(_service.ContentLatest, await restored.ScalarAsync<string>(ProtectedService.Content));
    }

    [Fact]
    public async Task A_copy_that_is_killed_goes_on_where_it_was()
    {
        Configure("    upload-limit: 1MB/s");
        using (var copy = _host.Start("repo", "copy", "local", "second", "--init", "--jobs", "1"))
        {
            await Eventually.IsTrueAsync(
                () => Task.FromResult(copy.HasExited || Directory.Exists(_directory["second/services/main/packs"])), () => "the first pack is on its way");
            Assert.False(copy.HasExited);
            await copy.KillAsync();
        }

        Assert.False(File.Exists(_directory[$"second/services/main/backups/{_service.Backup}/backup.json"]));
        Configure();
        (await _host.RunAsync("repo", "copy", "local", "second")).Must();
        RequireSame(_host.Repository, _directory["second"]);
    }

    [Fact]
    public async Task Damage_in_the_source_and_other_content_in_the_destination_are_said_and_stay_out()
    {
        (await _host.RunAsync("repo", "copy", "local", "second", "--init")).Must();
        var stored = await File.ReadAllBytesAsync(_host.PathOf(Segment));
        stored[^1] ^= 1;
        await File.WriteAllBytesAsync(_host.PathOf(Segment), stored);
        File.Delete(_directory[$"second/{Segment}"]);
        (await _host.RunAsync("repo", "copy", "local", "second")).Must(5).MustSay(Segment, "damaged");
        Assert.False(File.Exists(_directory[$"second/{Segment}"]));
        (await _host.RunAsync("repo", "get", "local", Segment, "--to", _directory["out"])).Must(5).MustSay(Segment);
        (await _host.RunAsync("repo", "get", "local", Segment, "--to", "-")).Must(5);
        Assert.False(File.Exists(_directory["out"]));

        await File.WriteAllBytesAsync(_directory[$"second/{Segment}"], new byte[10]);
        Assert.Equal(7, (await JsonAsync(7, "repo", "copy", "local", "second")).Json.GetProperty("failures")[0].GetProperty("exit-code").GetInt32());
        Assert.Equal(10, new FileInfo(_directory[$"second/{Segment}"]).Length);
    }

    [Fact]
    public async Task Files_go_in_and_come_out_and_are_removed_when_that_is_meant()
    {
        var files = _directory.New("files/sub");
        await File.WriteAllTextAsync(Path.Combine(files, "b"), "two");
        await File.WriteAllTextAsync(_directory["files/a"], "one");
        Assert.Equal(2, (await JsonAsync("repo", "put", "local", "notes/", _directory["files"], "--dry-run")).Json.GetProperty("objects").GetInt32());
        Assert.False(Directory.Exists(_host.PathOf("notes")));
        (await _host.RunAsync("repo", "put", "local", "notes/", _directory["files"])).Must();
        (await _host.RunAsync("repo", "put", "local", "notes/a", _directory["files/a"])).Must(7).MustSay("notes/a", "--replace");
        (await _host.RunAsync("repo", "put", "local", "notes", _directory["files"])).Must(1).MustSay("notes/");
        (await _host.RunAsync("repo", "put", "local", "services/main/x", _directory["files/a"])).Must(1).MustSay("--force");
        (await _host.RunAsync("repo", "put", "local", "services/main/x", _directory["files/a"], "--force", "a test")).Must().MustSay("a test");

        var lines = (await JsonAsync("repo", "ls", "local", "notes/", "--recursive")).Output.Trim().Split('\n').Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal(["notes/a", "notes/sub/b"], lines[..^1].Select(line => line.GetProperty("key").GetString()));
        Assert.Equal(2, lines[^1].GetProperty("objects").GetInt32());
        Assert.Equal("notes/a\nnotes/sub/\n", (await _host.RunAsync("repo", "ls", "local", "notes/")).Must().Output);
        Assert.Equal("one", (await _host.RunAsync("repo", "get", "local", "notes/a", "--to", "-")).Must().Output);
        (await _host.RunAsync("repo", "get", "local", "notes/", "--to", _directory["back"])).Must();
        Assert.Equal("two", await File.ReadAllTextAsync(_directory["back/sub/b"]));
        (await _host.RunAsync("repo", "get", "local", "notes/none", "--to", _directory["back"])).Must(1).MustSay("notes/none", "does not exist");

        (await _host.RunAsync("repo", "rm", "local", "notes/", "--recursive")).Must(1).MustSay("--yes");
        (await _host.RunAsync("repo", "rm", "local", "notes/", "--yes")).Must(1).MustSay("--recursive");
        (await _host.RunAsync("repo", "rm", "local", "repository.json", "--yes")).Must(1).MustSay("--force");
        (await _host.RunAsync("repo", "rm", "local", "notes/", "services/main/x", "--recursive", "--yes")).Must();
        Assert.False(Directory.Exists(_host.PathOf("notes")));
        var stats = (await JsonAsync("repo", "stats", "local")).Json;
        Assert.Contains(stats.GetProperty("usage").EnumerateArray(), u => u.GetProperty("kind").GetString() == "packs" && u.GetProperty("service").GetString() == "main");
        Assert.StartsWith("local: ", (await _host.RunAsync("repo", "stats", "local")).Must().Output, StringComparison.Ordinal);
        (await _host.RunAsync("repo", "ls", "locla")).Must(3).MustSay("local");
    }

    [Fact]
    public async Task A_sealed_segment_comes_out_as_postgresql_wrote_it()
    {
        (await _host.RunAsync("wal", "get", "main", _service.FirstSegment, _directory["wanted"])).Must();
        (await _host.RunAsync("repo", "get", "local", Segment, "--to", _directory["opened"])).Must();
        Assert.Equal(await File.ReadAllBytesAsync(_directory["wanted"]), await File.ReadAllBytesAsync(_directory["opened"]));
        (await _host.RunAsync("repo", "get", "local", Segment, "--raw", "--to", _directory["raw"])).Must();
        Assert.Equal(await File.ReadAllBytesAsync(_host.PathOf(Segment)), await File.ReadAllBytesAsync(_directory["raw"]));
    }

    [Fact]
    public async Task An_interrupted_validation_leaves_nothing_behind()
    {
        Configure("    upload-limit: 4MB/s");
        using var validation = _host.Start("repo", "validate", "second", "--size", "64MiB");
        await Eventually.IsTrueAsync(
            () => Task.FromResult(validation.HasExited || Directory.Exists(_directory["second"]) && Directory.GetDirectories(_directory["second"], "large", SearchOption.AllDirectories).Length + Directory.GetFiles(_directory["second"], "*", SearchOption.AllDirectories).Length > 0),
            () => "the validation has put something");
        (await ProgramRun.RunAsync("/bin/kill", ["-INT", $"{validation.ProcessId}"])).Must();
        (await validation.EndAsync(TimeSpan.FromMinutes(2))).Must(130);
        Assert.Empty(Directory.GetFileSystemEntries(_directory["second"]));
    }

    [Fact]
    public async Task S3()
    {
        await using var server = await StorageServer.StartAsync("ceph-rgw", "S3_");
        await ThereAndBackAsync(
            $"s3://{server["S3_BUCKET"]}/{Unique()}",
            $"endpoint: {server["S3_ENDPOINT"]}", $"access-key: {server["S3_ACCESS_KEY"]}", $"secret-key: {server["S3_SECRET_KEY"]}");
    }

    [Fact]
    public async Task Sftp()
    {
        await using var server = await StorageServer.StartAsync("sshd", "SFTP_");
        await ThereAndBackAsync(
            $"sftp://{server["SFTP_USER"]}@{server["SFTP_HOST"]}:{server["SFTP_PORT"]}{server["SFTP_PATH"]}/{Unique()}",
            $"identity-file: {server["SFTP_IDENTITY"]}", $"known-hosts: {server["SFTP_KNOWN_HOSTS"]}");
    }

    [Fact]
    public async Task Ftp()
    {
        await using var server = await StorageServer.StartAsync("ftpd", "FTP_");
        await ThereAndBackAsync(
            $"ftp://{server["FTP_USER"]}@{server["FTP_HOST"]}:{server["FTP_PORT"]}/{Unique()}", $"password: {server["FTP_PASSWORD"]}", $"ca-file: {server["FTP_CA"]}");
    }

    // Validates a server, copies to it and from it, and finds everything as it was.
    async Task ThereAndBackAsync(string url, params string[] options)
    {
        Configure(more: [$"  far:", $"    url: {url}", .. options.Select(option => "    " + option)]);
        var report = (await JsonAsync("repo", "validate", "far", "--size", "40MiB")).Json;
        Assert.Equal("passed", report.GetProperty("verdict").GetString());
        Assert.Equal(15, report.GetProperty("promises").GetArrayLength());
        Assert.Equal(0, report.GetProperty("left-behind").GetArrayLength());

        Assert.Equal("", (await _host.RunAsync("repo", "ls", "far", "--recursive")).Must().Output);
        (await _host.RunAsync("repo", "copy", "local", "far", "--init")).Must();
        Assert.Equal(0, (await JsonAsync("repo", "copy", "local", "far", "--read-back")).Json.GetProperty("copied").GetInt64());
        (await _host.RunAsync("repo", "copy", "far", "second", "--init")).Must();
        RequireSame(_host.Repository, _directory["second"]);
        await LookOverAsync();
        (await _host.RunAsync("repo", "get", "far", "services/", "--raw", "--to", _directory["raw"])).Must();
        Assert.Equal(await File.ReadAllBytesAsync(_host.PathOf(Segment)), await File.ReadAllBytesAsync(Path.Combine(_directory["raw"], Segment["services/".Length..])));
        (await _host.RunAsync("repo", "rm", "far", "", "--recursive", "--yes", "--force")).Must();
        Assert.Equal("", (await _host.RunAsync("repo", "ls", "far", "--recursive")).Must().Output);
    }

    // What does not belong there is found on a server as in a directory.
    async Task LookOverAsync()
    {
        (await _host.RunAsync("repo", "audit", "second")).Must();
        var clean = (await JsonAsync("repo", "audit", "far")).Json;
        Assert.Equal((0, true), (clean.GetProperty("finding-count").GetInt32(), clean.GetProperty("passed").GetBoolean()));
        Assert.Equal(clean.GetProperty("objects").GetInt64(), clean.GetProperty("heads-read").GetInt64());

        await File.WriteAllTextAsync(_directory["plain"], "SELECT * FROM customers; -- and a hundred bytes more, so that it is longer than the header of a sealed object would be, at least");
        (await _host.RunAsync("repo", "put", "far", Segment, _directory["plain"], "--replace", "--force", "planted by a test")).Must();
        (await _host.RunAsync("repo", "put", "far", "notes/plain", _directory["plain"])).Must();
        var found = (await JsonAsync(9, "repo", "audit", "far")).Json;
        Assert.Equal(["not-sealed " + Segment, "unexpected-name notes/plain"], found.GetProperty("findings").EnumerateArray().Select(f => $"{f.GetProperty("kind")} {f.GetProperty("object")}").Order(StringComparer.Ordinal));
        Assert.Equal(1, (await JsonAsync(9, "repo", "audit", "far", "--allow", "notes/")).Json.GetProperty("allowed").GetInt32());
        Assert.Contains("not-sealed", (await _host.RunAsync("repo", "audit", "far", "--allow", "notes/")).Must(9).Output, StringComparison.Ordinal);
        Assert.Equal(0, (await JsonAsync("repo", "audit", "far", "--allow", "notes/", "--names-only")).Json.GetProperty("heads-read").GetInt64());
        (await _host.RunAsync("repo", "put", "far", Segment, _host.PathOf(Segment), "--replace", "--force", "as it was")).Must();
    }

    void Configure(string second = "", params string[] more)
    {
        File.WriteAllText(_host.ConfigurationFile, Configuration(second, more));
        // There may be secrets in it.
        File.SetUnixFileMode(_host.ConfigurationFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    string Configuration(string second, string[] more) =>
        $$"""
        state-directory: {{_host.StateDirectory}}
        agent: { socket: {{_host.Socket}} }
        repositories:
          local:
            url: file://{{_host.Repository}}
          second:
            url: file://{{_directory["second"]}}
        {{second}}
        {{string.Join('\n', more)}}
        encryption:
          recipients: [{{Path.Combine(_host.Directory, "recipient.pem")}}]
          identity: {{_host.IdentityFile}}
        services:
          main:
            kind: postgres
            repositories: [local]

        """;

    Task<ProgramRun> JsonAsync(params string[] arguments) => JsonAsync(0, arguments);

    async Task<ProgramRun> JsonAsync(int exitCode, params string[] arguments) => (await _host.RunAsync(["--output", "json", .. arguments])).Must(exitCode);

    // Leases and what was done by hand mean something in their own place only, every place has an id of its own, and what a killed process left has a name that is no key.
    static void RequireSame(string expected, string actual)
    {
        static string[] Keys(string root) =>
        [
            .. Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(root, path))
                .Where(key => !key.StartsWith("audit/", StringComparison.Ordinal) && !key.Contains("/locks/", StringComparison.Ordinal) && !key.Contains("/.tmp-", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
        ];

        Assert.Equal(Keys(expected), Keys(actual));
        Assert.All(Keys(expected).Where(key => key != "repository.json"), key =>
            Assert.True(File.ReadAllBytes(Path.Combine(expected, key)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(actual, key))), key));
    }

    static string Unique() => "commands-" + Guid.NewGuid().ToString("N");
}
