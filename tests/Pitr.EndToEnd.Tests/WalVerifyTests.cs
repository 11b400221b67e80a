using System.Buffers.Binary;
using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests;

/// <summary>Damage that is planted in the archive of a real cluster: `pitr wal verify` finds each of it, and nothing else.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class WalVerifyTests(ProtectedService service) : IDisposable
{
    readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    static async Task<(string Kind, string Object)[]> VerifyAsync(PitrHost host, int exitCode, params string[] more)
    {
        var report = (await host.RunAsync(["--output", "json", "wal", "verify", "main", .. more])).Must(exitCode).Json;
        Assert.Equal(exitCode == 0, report.GetProperty("passed").GetBoolean());
        var findings = report.GetProperty("findings").EnumerateArray().Select(f => (f.GetProperty("kind").GetString()!, f.GetProperty("object").GetString()!)).ToArray();
        Assert.Equal(findings.Length, report.GetProperty("finding-count").GetInt64());
        return findings;
    }

    static string[] Segments(PitrHost host) =>
        [.. Directory.EnumerateFiles(host.PathOf("services/main/wal"), "*", SearchOption.AllDirectories).Select(f => Path.GetFileName(f)!).Where(n => WalSegmentName.TryParse(n, out _)).Order(StringComparer.Ordinal)];

    static string Key(PitrHost host, string name) => Path.GetRelativePath(host.Repository, host.WalPath(name));

    [Fact]
    public async Task An_archive_that_is_whole_passes_and_each_planted_damage_is_found()
    {
        var host = service.CopyTo(_directory);
        Assert.Empty(await VerifyAsync(host, 0));
        var segments = Segments(host);
        Assert.InRange(segments.Length, 3, 1000);

        // A bit, anywhere.
        foreach (var at in new Func<int, int>[] { _ => 20, _ => 70, _ => 95, length => length / 2, length => length - 1 })
        {
            Flip(host, segments[1], at);
            var (kind, key) = Assert.Single(await VerifyAsync(host, 9));
            Assert.True(kind is "damaged" or "no-key", kind);
            Assert.Equal(Key(host, segments[1]), key);
            Flip(host, segments[1], at);
        }

        // Two that took each other's place.
        Swap(host, segments[0], segments[2]);
        Assert.Equal(
            [("wrong-content", Key(host, segments[0])), ("wrong-content", Key(host, segments[2]))], (await VerifyAsync(host, 9)).OrderBy(f => f.Object, StringComparer.Ordinal));
        Swap(host, segments[0], segments[2]);

        // One that is not there.
        File.Move(host.WalPath(segments[1]), _directory["kept"]);
        Assert.Equal([("gap", segments[1])], await VerifyAsync(host, 9));
        (await host.RunAsync("wal", "verify", "main", "--since", segments.Length > 2 ? Start(segments[2]) : "0/0")).Must();
        var list = (await host.RunAsync("--output", "json", "wal", "list", "main")).Must().Json;
        var gap = Assert.Single(list.GetProperty("timelines")[0].GetProperty("gaps").EnumerateArray());
        Assert.Equal(segments[1], gap.GetProperty("first").GetString());
        File.Move(_directory["kept"], host.WalPath(segments[1]));

        Assert.Empty(await VerifyAsync(host, 0, "--sample", "2"));
    }

    [Fact]
    public async Task Another_clusters_segment_is_found_though_the_same_keys_open_it()
    {
        var host = service.CopyTo(_directory);
        File.AppendAllText(host.ConfigurationFile, "\n  other:\n    kind: postgres\n    connection: \"Host=/nowhere;Username=postgres\"\n    repositories: [local]\n");
        var file = Path.Combine(_directory.New("wal"), service.FirstSegment);
        (await host.RunAsync("wal", "get", "main", service.FirstSegment, file)).Must();
        var content = await File.ReadAllBytesAsync(file);
        BinaryPrimitives.WriteUInt64LittleEndian(content.AsSpan(24), 4711);
        await File.WriteAllBytesAsync(file, content);
        (await host.RunAsync("wal", "push", "other", file)).Must();
        File.Copy(host.WalPath(service.FirstSegment).Replace("services/main", "services/other", StringComparison.Ordinal), host.WalPath(service.FirstSegment), overwrite: true);

        Assert.Equal([("foreign", Key(host, service.FirstSegment))], await VerifyAsync(host, 9));
    }

    [Fact]
    public async Task A_truncated_history_is_found()
    {
        var host = service.CopyTo(_directory);
        var file = Path.Combine(_directory.New("wal"), "00000002.history");
        await File.WriteAllTextAsync(file, "1\t0/5000000\tno recovery target specified\n");
        (await host.RunAsync("wal", "push", "main", file)).Must();
        Assert.Empty(await VerifyAsync(host, 0));

        var stored = await File.ReadAllBytesAsync(host.WalPath("00000002.history"));
        await File.WriteAllBytesAsync(host.WalPath("00000002.history"), stored[..^9]);
        Assert.Equal([("damaged", Key(host, "00000002.history"))], await VerifyAsync(host, 9));
    }

    [Fact]
    public async Task Without_an_identity_nothing_is_said_to_be_right()
    {
        var host = service.CopyTo(_directory);
        File.Delete(host.IdentityFile);
        (await host.RunAsync("wal", "verify", "main")).Must(6).MustSay("identity", "HINT:");
        (await host.RunAsync("wal", "list", "main")).Must();
    }

    static string Start(string segment) => WalSegmentName.Parse(segment).StartLsn(WalSegmentSize.Default).ToString();

    static void Flip(PitrHost host, string segment, Func<int, int> at)
    {
        var content = File.ReadAllBytes(host.WalPath(segment));
        content[at(content.Length)] ^= 0x10;
        File.WriteAllBytes(host.WalPath(segment), content);
    }

    void Swap(PitrHost host, string one, string other)
    {
        File.Move(host.WalPath(one), _directory["swapped"]);
        File.Move(host.WalPath(other), host.WalPath(one));
        File.Move(_directory["swapped"], host.WalPath(other));
    }
}
