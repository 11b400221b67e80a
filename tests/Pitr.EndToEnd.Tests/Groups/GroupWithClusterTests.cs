using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Dumps;
using Pitr.EndToEnd.Tests.InPlace;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Groups;

/// <summary>A group of a PostgreSQL cluster, which goes back in place to any moment, and a MariaDB, which goes back to its newest dump before that.</summary>
[Collection(StoppedServiceCollection.Name)]
public sealed class GroupWithClusterTests(StoppedService original, MariaDbServer server) : IClassFixture<MariaDbServer>
{
    const string Database = "grp_cluster";

    async Task<LiveService> StartAsync(TestDirectory directory, string check)
    {
        var service = await LiveService.StartAsync(original);
        await server.MakeAsync(Database, 5);
        DumpedCluster.WritePassword(directory["password"], server.Server["MARIADB_PASSWORD"]);
        var text = File.ReadAllText(service.Host.ConfigurationFile).TrimEnd();
        File.WriteAllText(service.Host.ConfigurationFile, $"""
            {text}
              shop:
                repositories: [local]
                after: [main]
                applications: {"{"} health-check: [/usr/bin/test, -e, {check}], timeout: 2s {"}"}
                {server.ServiceWith(directory["password"], Database).ReplaceLineEndings("\n    ")}

            """);
        return service;
    }

    [Fact]
    public async Task Cluster_and_database_go_back_together_or_not_at_all()
    {
        using var directory = new TestDirectory();
        await using var service = await StartAsync(directory, directory["healthy"]);
        try
        {
            (await service.Host.RunAsync("backup", "--all", "--component", "shop")).Must();
            var then = await server.ContentAsync(Database);
            await server.SqlAsync($"DELETE FROM {Database}.customers WHERE id > 2");
            var now = await server.ContentAsync(Database);
            var plan = (await service.Host.RunAsync("restore", "--all", "latest", "--dry-run", "-o", "json")).Must().Json;
            Assert.Equal(["postgres", "mysql"], plan.GetProperty("services").EnumerateArray().Select(s => s.GetProperty("kind").GetString()));
            Assert.Equal(original.RowsNow, await service.ScalarAsync<string>(StoppedService.Rows));
            Assert.Empty(service.Aside("before"));
            (await service.Host.RunAsync("restore", "--all", "--target-time", original.Moment)).Must(8).MustSay("no backup of service shop had ended by");

            // The check of the second fails: the first, whose server has been started, goes back as well.
            await service.ExecuteAsync("INSERT INTO notes (note) VALUES ('newest')");
            var rows = await service.ScalarAsync<string>(StoppedService.Rows);
            (await service.Host.RunAsync("restore", "--all", "latest")).Must(10).MustSay("checking the applications of service shop failed", "main: the old cluster is in ", "its server runs");
            Assert.Equal((rows, now), (await service.ScalarAsync<string>(StoppedService.Rows), await server.ContentAsync(Database)));

            // Killed in the middle of the cluster, whose own journal tells the group's way back what to do.
            using (var restore = service.Host.Start("restore", "--all", "latest"))
            {
                await Eventually.IsTrueAsync(() => restore.HasExited || service.Aside("before").Count > 0, () => "the old cluster is aside");
                await restore.KillAsync();
            }

            Assert.True(File.Exists(service.Journal));
            (await service.Host.RunAsync("restore", "--all", "--roll-back")).Must();
            Assert.Equal((rows, now), (await service.ScalarAsync<string>(StoppedService.Rows), await server.ContentAsync(Database)));
            Assert.Empty(service.Aside("before"));

            File.WriteAllText(directory["healthy"], "");
            (await service.Host.RunAsync("restore", "--all", "latest")).Must();
            Assert.Equal(then, await server.ContentAsync(Database));
            Assert.False(await service.ScalarAsync<bool>("SELECT pg_is_in_recovery()"));
            Assert.NotEmpty(service.Aside("before"));
            (await service.Host.RunAsync("restore", "--all", "--roll-back")).Must();
            Assert.Equal((rows, now), (await service.ScalarAsync<string>(StoppedService.Rows), await server.ContentAsync(Database)));
            Assert.Empty(service.Aside("before"));
            (await service.Host.RunAsync("restore", "--all", "latest", "--remove-old")).Must();
            Assert.Empty(service.Aside("before"));
        }
        finally
        {
            foreach (var name in (await server.SqlAsync($"SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE '{Database}%'")).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                await server.SqlAsync($"DROP DATABASE `{name}`");
            }
        }
    }
}
