using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests;

/// <summary>Two repositories of which one is required: the work of a day while the other is down, and what becomes of it afterwards.</summary>
public sealed class OneOfTwoRepositoriesTests
{
    [Fact]
    public async Task Work_goes_on_while_one_is_down_and_the_other_can_restore_alone_once_it_has_caught_up()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(withAgent: false);
        var (host, second, away) = (cluster.Host, cluster.Directory["second"], cluster.Directory["away"]);
        var text = await File.ReadAllTextAsync(host.ConfigurationFile);
        await File.WriteAllTextAsync(host.ConfigurationFile, text
            .Replace("\nencryption:\n", $"\n  second:\n    url: file://{second}\n    retry: {{ deadline: 2s }}\nencryption:\n", StringComparison.Ordinal)
            .Replace("repositories: [local]", "repositories: [local, second]\n    required: 1", StringComparison.Ordinal));
        (await host.RunAsync("repo", "init", "second")).Must();
        Directory.Move(second, away);
        cluster.Agent = await host.StartAgentAsync();

        await cluster.ExecuteAsync("create table t as select g from generate_series(1, 1000) g");
        var backup = await cluster.BackupAsync();
        await cluster.ExecuteAsync("insert into t select g from generate_series(1001, 2000) g");
        await cluster.ArchiveEverythingAsync();

        var info = (await host.RunAsync("--output", "json", "info", "main")).Must(4).Json.GetProperty("services")[0];
        Assert.True(info.GetProperty("restorable").GetBoolean());
        Assert.False(info.GetProperty("complete").GetBoolean());
        Assert.Equal((false, true), (info.GetProperty("repositories")[1].GetProperty("answered").GetBoolean(), info.GetProperty("repositories")[1].GetProperty("owed").GetInt32() > 0));
        (await host.RunAsync("info", "main", "--repository", "local")).Must();
        (await host.RunAsync("restore", "main", "--to", cluster.Directory["never"], "--dry-run")).Must(4).MustSay("second", "--repository local");
        (await host.RunAsync("restore", "main", "--to", cluster.Directory["never"], "--dry-run", "--repository", "local")).Must();

        Directory.Move(away, second);
        await Eventually.IsTrueAsync(
            async () => (await host.RunAsync("repo", "catch-up", "main", "--dry-run")).Must().Output.Contains("nothing is owed", StringComparison.Ordinal), () => "the agent pays");
        Assert.True((await host.RunAsync("--output", "json", "info", "main")).Must().Json.GetProperty("services")[0].GetProperty("complete").GetBoolean());
        Assert.True(File.Exists(Path.Combine(second, $"services/main/backups/{backup.GetProperty("id").GetString()}/backup.json")));
        Directory.Delete(host.Repository, recursive: true);
        await using var restored = await cluster.RestoreAsync("to", "--repository", "second");
        Assert.Equal(2000L, await restored.ScalarAsync<long>("select count(distinct g) from t"));
    }
}
