using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests;

/// <summary>A service with two repositories: an acknowledgement needs both, a recovery needs of each object one good copy.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class TwoRepositoriesTests(ProtectedService service) : IDisposable
{
    readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    PitrHost WithSecond()
    {
        var host = service.CopyTo(_directory);
        TestDirectory.Copy(host.Repository, _directory["second"]);
        var text = File.ReadAllText(host.ConfigurationFile)
            .Replace("encryption:", $"  second:\n    url: file://{_directory["second"]}\nencryption:", StringComparison.Ordinal)
            .Replace("repositories: [local]", "repositories: [local, second]", StringComparison.Ordinal);
        File.WriteAllText(host.ConfigurationFile, text);
        return host;
    }

    [Fact]
    public async Task What_is_damaged_in_one_is_taken_from_the_other()
    {
        var host = WithSecond();
        var wal = Path.GetRelativePath(host.Repository, host.WalPath(service.FirstSegment));
        foreach (var key in new[] { wal, $"services/main/packs/{service.Backup}/000000", $"services/main/backups/{service.Backup}/manifest" })
        {
            var content = await File.ReadAllBytesAsync(host.PathOf(key));
            content[content.Length / 2] ^= 1;
            await File.WriteAllBytesAsync(host.PathOf(key), content);
        }

        File.Delete(host.WalPath(service.LastSegment));
        await using var restored = await RestoredCluster.StartAsync(host, _directory["to"]);
        Assert.Equal(service.ContentLatest, await restored.ScalarAsync<string>(ProtectedService.Content));
    }

    [Fact]
    public async Task A_push_is_acknowledged_only_when_both_hold_it()
    {
        var host = WithSecond();
        var offered = Path.Combine(_directory.New("wal"), service.LastSegment);
        (await host.RunAsync("wal", "get", "main", service.LastSegment, offered)).Must();
        var second = Path.Combine(_directory["second"], Path.GetRelativePath(host.Repository, host.WalPath(service.LastSegment)));
        File.Delete(host.WalPath(service.LastSegment));
        File.Delete(second);

        Directory.Move(_directory["second"], _directory["away"]);
        (await host.RunAsync("wal", "push", "main", offered)).Must(4).MustSay(_directory["second"]);
        Directory.Move(_directory["away"], _directory["second"]);
        (await host.RunAsync("wal", "push", "main", offered)).Must();
        Assert.True(File.Exists(second) && File.Exists(host.WalPath(service.LastSegment)));

        // One that cannot be asked leaves the answer open; one that has the file is enough.
        host.Environment["PITR_SERVICES__MAIN__WAL__GET_DEADLINE"] = "1s";
        Directory.Move(_directory["second"], _directory["away"]);
        (await host.RunAsync("wal", "get", "main", "0000000100000000000000FF", _directory["x"])).Must(126);
        host.Environment.Clear();
        (await host.RunAsync("wal", "get", "main", service.LastSegment, _directory["x"])).Must();
    }
}
