using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests;

/// <summary>`pitr verify` on what a real cluster stored: nothing is wrong with it, each planted damage is found, and what was read is not read again.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class VerifyTests(ProtectedService service) : IDisposable
{
    readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    static async Task<JsonElement> VerifyAsync(PitrHost host, int exitCode, params string[] more)
    {
        var report = (await host.RunAsync(["--output", "json", "verify", "main", .. more])).Must(exitCode).Json;
        Assert.Equal(exitCode == 0, report.GetProperty("passed").GetBoolean());
        Assert.Equal(report.GetProperty("findings").GetArrayLength(), report.GetProperty("finding-count").GetInt64());
        return report;
    }

    static (string Kind, string Object)[] Findings(JsonElement report) =>
        [.. report.GetProperty("findings").EnumerateArray().Select(f => (f.GetProperty("kind").GetString()!, f.GetProperty("object").GetString()!))];

    static long Read(JsonElement report, string member) => Assert.Single(report.GetProperty("repositories").EnumerateArray()).GetProperty(member).GetInt64();

    [Fact]
    public async Task What_is_whole_passes_is_remembered_and_each_planted_damage_is_found()
    {
        var host = service.CopyTo(_directory);
        var first = await VerifyAsync(host, 0);
        Assert.Equal((1, 0L), (Read(first, "backups"), Read(first, "packs-verified-before")));
        Assert.True(Read(first, "packs-read") > 0 && Read(first, "wal-read") > 2 && Read(first, "bytes-read") > 32 << 20);

        var second = await VerifyAsync(host, 0, "--jobs", "2");
        Assert.Equal((0L, Read(first, "packs-read")), (Read(second, "packs-read"), Read(second, "packs-verified-before")));
        Assert.True(Read(second, "wal-verified-before") > 2);
        Assert.Equal(Read(first, "packs-read"), Read(await VerifyAsync(host, 0, "--all"), "packs-read"));

        foreach (var key in new[]
        {
            Newest(host, $"services/main/packs/{service.Backup}"), $"services/main/backups/{service.Backup}/manifest", $"services/main/backups/{service.Backup}/backup.json",
            "services/main/service.json", "repository.json", Newest(host, "keys"), Newest(host, "services/main/audit"), Key(host, service.FirstSegment),
        })
        {
            Flip(host.PathOf(key));
            Assert.Contains(Findings(await VerifyAsync(host, 9)), f => f.Object == key);
            Flip(host.PathOf(key));
        }

        var pack = Newest(host, $"services/main/packs/{service.Backup}");
        File.Move(host.PathOf(pack), _directory["kept"]);
        Assert.Equal([("missing", pack)], Findings(await VerifyAsync(host, 9)));
        var text = (await host.RunAsync("verify", "main")).Must(9).Output;
        Assert.All(["1 finding(s)", pack, "fix:"], part => Assert.Contains(part, text, StringComparison.Ordinal));
        File.Move(_directory["kept"], host.PathOf(pack));
        Assert.Empty(Findings(await VerifyAsync(host, 0)));

        var record = JsonDocument.Parse((await host.RunAsync("audit", "main", "--output", "json", "--action", "verify", "--last", "1")).Must().Output).RootElement.GetProperty("records")[0];
        Assert.Equal(("0", 0), (record.GetProperty("details").GetProperty("findings").GetString(), record.GetProperty("exit-code").GetInt32()));
    }

    [Fact]
    public async Task What_cannot_be_opened_or_asked_is_not_said_to_be_right()
    {
        var host = service.CopyTo(_directory);
        File.Delete(host.IdentityFile);
        (await host.RunAsync("verify", "main")).Must(6).MustSay("identity", "HINT:");
        (await host.RunAsync("key", "new", "--identity", host.IdentityFile, "--recipient", _directory["other.pem"])).Must();
        (await host.RunAsync("verify", "main")).Must(6).MustSay("opens no data key", "HINT:");

        Directory.Move(host.Repository, _directory["away"]);
        (await host.RunAsync("verify", "main")).Must(4);
        (await host.RunAsync("verify", "main", "--sample", "0%")).Must(2).MustSay("--sample takes");
        (await host.RunAsync("verify", "main", "--since", "yesterday")).Must(1).MustSay("--since");
    }

    static string Newest(PitrHost host, string directory) =>
        Path.GetRelativePath(host.Repository, Directory.GetFiles(host.PathOf(directory)).Order(StringComparer.Ordinal).Last());

    static string Key(PitrHost host, string segment) => Path.GetRelativePath(host.Repository, host.WalPath(segment));

    static void Flip(string path)
    {
        var content = File.ReadAllBytes(path);
        content[content.Length / 2] ^= 0x01;
        File.WriteAllBytes(path, content);
    }
}
