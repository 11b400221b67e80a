using System.Text.Json;
using System.Text.Json.Nodes;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests;

/// <summary>`pitr expire` and `pitr repo gc` on a copy of a real repository.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class ExpireTests : IDisposable
{
    // Later than the real one.
    const string Newer = "20300101T000000Z";

    readonly TestDirectory _directory = new();
    readonly ProtectedService _service;
    readonly PitrHost _host;

    public ExpireTests(ProtectedService service)
    {
        _service = service;
        _host = service.CopyTo(_directory, withIdentity: true);
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_backup_goes_and_the_one_whose_packs_it_used_restores_as_before()
    {
        (await _host.RunAsync("expire", "main", "--backup", _service.Backup)).Must(1).MustSay("the last complete one", "--force");
        await PlantNewerAsync();
        var stats = (await JsonAsync("repo", "stats", "local")).GetProperty("packs")[0];
        Assert.Equal((2, 0L), (stats.GetProperty("backups").GetInt32(), stats.GetProperty("missing-objects").GetInt64()));
        MustShow(await _host.RunAsync("repo", "stats", "local"), "garbage");

        var planned = await JsonAsync("expire", "main", "--backup", Newer, "--dry-run");
        var done = await JsonAsync("expire", "main", "--backup", Newer);
        Assert.Equal((true, false), (planned.GetProperty("dry-run").GetBoolean(), done.GetProperty("dry-run").GetBoolean()));
        Assert.Equal(planned.GetProperty("services").ToString(), done.GetProperty("services").ToString());
        var local = done.GetProperty("services")[0].GetProperty("repositories")[0];
        Assert.Equal((1, 1), (local.GetProperty("manifests").GetInt32(), local.GetProperty("packs").GetInt32()));
        Assert.False(File.Exists(_host.PathOf($"services/main/packs/{Newer}/000000")));

        await using var restored = await RestoredCluster.StartAsync(_host, _directory["to"]);
        Assert.Equal(_service.ContentLatest, await restored.ScalarAsync<string>(ProtectedService.Content));
    }

    [Fact]
    public async Task The_packs_of_a_backup_that_went_stay_while_another_needs_them()
    {
        var packs = await PlantNewerAsync();
        var pack = packs[0].GetProperty("key").GetString()!;
        MustShow(await _host.RunAsync("expire", "main", "--backup", _service.Backup), _service.Backup, "is gone");
        Assert.True(File.Exists(_host.PathOf(pack)));
        Assert.False(Directory.Exists(_host.PathOf($"services/main/backups/{_service.Backup}")) && File.Exists(_host.PathOf($"services/main/backups/{_service.Backup}/manifest")));
        (await _host.RunAsync("repo", "rm", "local", pack, "--yes")).Must(1).MustSay("needs it", "pitr expire main");
        (await _host.RunAsync("expire", "main", "--backup", _service.Backup)).Must(1).MustSay("has no backup");
        (await _host.RunAsync("expire", "main", "--backup", "yesterday")).Must(1).MustSay("not a backup id");
    }

    [Fact]
    public async Task What_an_interrupted_backup_left_goes_when_it_is_old_and_nothing_unknown_ever()
    {
        const string Interrupted = "20200101T000000Z";
        string[] left = [$"services/main/packs/{Interrupted}/000000", $"services/main/backups/{Interrupted}/manifest"];
        var strange = $"services/main/packs/{Interrupted}/notes";
        foreach (var key in left.Append(strange))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_host.PathOf(key))!);
            await File.WriteAllTextAsync(_host.PathOf(key), "left");
        }

        MustShow(await _host.RunAsync("repo", "gc"), "freed 0 B", strange);
        Assert.All(left, key => Assert.True(File.Exists(_host.PathOf(key))));
        foreach (var key in left)
        {
            File.SetLastWriteTimeUtc(_host.PathOf(key), DateTime.UtcNow.AddHours(-25));
        }

        MustShow(await _host.RunAsync("repo", "gc", "main", "--grace", "2d"), "freed 0 B");
        var collected = (await JsonAsync("repo", "gc", "main")).GetProperty("services")[0].GetProperty("repositories")[0];
        Assert.Equal((1, 1, 8L), (collected.GetProperty("manifests").GetInt32(), collected.GetProperty("packs").GetInt32(), collected.GetProperty("bytes").GetInt64()));
        Assert.All(left, key => Assert.False(File.Exists(_host.PathOf(key))));
        Assert.True(File.Exists(_host.PathOf(strange)));
        Assert.Equal(1, (await JsonAsync("repo", "stats", "local")).GetProperty("packs")[0].GetProperty("backups").GetInt32());
    }

    [Fact]
    public async Task A_damaged_entry_keeps_everything_where_it_is()
    {
        await PlantNewerAsync();
        await File.WriteAllTextAsync(_host.PathOf($"services/main/backups/{Newer}/backup.json"), "{");
        (await _host.RunAsync("expire", "main", "--backup", _service.Backup)).Must(5).MustSay(Newer, "nothing was removed");
        (await _host.RunAsync("repo", "gc")).Must(5).MustSay(Newer);
        MustShow(await _host.RunAsync("repo", "stats", "local"), "not known");
        Assert.True(File.Exists(_host.PathOf($"services/main/backups/{_service.Backup}/backup.json")));
    }

    // A newer backup by its entry: one pack of its own, and every pack of the real one.
    async Task<JsonElement> PlantNewerAsync()
    {
        var entry = JsonNode.Parse(await File.ReadAllTextAsync(_host.PathOf($"services/main/backups/{_service.Backup}/backup.json")))!.AsObject();
        var older = entry["packs"]!.DeepClone().AsArray();
        foreach (var pack in older)
        {
            pack!["content-bytes"] = 1000;
            pack["used-bytes"] = 250;
        }

        JsonObject Own(string key) => new() { ["key"] = key, ["size"] = 3, ["sha256"] = new string('0', 64) };
        entry["id"] = Newer;
        entry["manifest"] = Own($"services/main/backups/{Newer}/manifest");
        entry["packs"] = new JsonArray(Own($"services/main/packs/{Newer}/000000"));
        entry["older-packs"] = older;
        foreach (var key in new[] { $"services/main/packs/{Newer}/000000", $"services/main/backups/{Newer}/manifest" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_host.PathOf(key))!);
            await File.WriteAllTextAsync(_host.PathOf(key), "new");
        }

        await File.WriteAllTextAsync(_host.PathOf($"services/main/backups/{Newer}/backup.json"), entry.ToJsonString());
        return JsonDocument.Parse(older.ToJsonString()).RootElement;
    }

    static void MustShow(ProgramRun run, params string[] texts) => Assert.All(texts, text => Assert.Contains(text, run.Must().Output, StringComparison.Ordinal));

    async Task<JsonElement> JsonAsync(params string[] line) =>
        JsonDocument.Parse((await _host.RunAsync([.. line, "--output", "json"])).Must().Output).RootElement;
}
