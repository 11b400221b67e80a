using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests;

/// <summary>The host is lost: what is left is a copy of the repository, and the identity from the recovery kit.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class SecondMachineTests(ProtectedService service)
{
    [Fact]
    public async Task Repository_and_identity_alone_bring_everything_back()
    {
        using var directory = new TestDirectory();
        var machine = service.CopyTo(directory);

        await using (var latest = await RestoredCluster.StartAsync(machine, directory["latest"]))
        {
            Assert.Equal(service.ContentLatest, await latest.ScalarAsync<string>(ProtectedService.Content));
        }

        await using var named = await RestoredCluster.StartAsync(machine, directory["named"], "--target-name", "after fifteen", "--target-action", "pause");
        Assert.Equal("paused", named.Result.GetProperty("recovery").GetString());
        Assert.Equal(service.ContentThen, await named.ScalarAsync<string>(ProtectedService.Content));
    }

    [Fact]
    public async Task The_state_directory_may_be_lost()
    {
        using var directory = new TestDirectory();
        var machine = service.CopyTo(directory);
        var before = (await machine.RunAsync("--output", "json", "info")).Must();
        Assert.False(Directory.Exists(Path.Combine(machine.StateDirectory, "services")) && Directory.EnumerateFiles(machine.StateDirectory, "data-key*", SearchOption.AllDirectories).Any());
        Assert.True(before.Json.GetProperty("services")[0].GetProperty("restorable").GetBoolean());

        // Without the identity the machine can say what there is, and restore nothing.
        File.Move(machine.IdentityFile, directory["elsewhere.pem"]);
        (await machine.RunAsync("info")).Must();
        (await machine.RunAsync("restore", "main", "--to", directory["to"])).Must(6).MustSay(machine.IdentityFile, "HINT:");
        Assert.False(File.Exists(Path.Combine(directory["to"], "global/pg_control")));
    }
}
