using System.Text;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>What becomes of dumps of a real PostgreSQL server after they were taken, with the real programs.</summary>
[Collection(DumpedClusterCollection.Name)]
public sealed class PostgresDumpLifecycleTests(DumpedCluster cluster)
{
    [Fact]
    public async Task Dumps_are_checked_verified_pinned_and_expired()
    {
        using var host = await DumpHost.CreateAsync(cluster.Service);
        await DumpLifecycle.RunAsync(host, "pg_dump may read all of its definitions");
    }

    [Fact]
    public async Task Retention_says_why_and_gc_without_a_name_removes_what_a_killed_run_left()
    {
        using var host = await DumpHost.CreateAsync(cluster.Service + "\nretention: { window: 0s, daily: 0, weekly: 0, monthly: 0, yearly: 0, minimum: 1 }");
        var (old, young) = (await host.BackupAsync(), await host.BackupAsync());
        var left = DumpHost.PathOf(host.First, "20200101T000000Z");
        Directory.CreateDirectory(left);
        var part = Path.Combine(left, "000000");
        await File.WriteAllBytesAsync(part, new byte[1000]);
        File.SetLastWriteTimeUtc(part, DateTime.UtcNow.AddDays(-2));

        var said = (await host.RunAsync("expire", DumpHost.Service, "--dry-run")).Must();
        Assert.All([old, young, "goes", "stays", "minimum", "before the window"], word => Assert.Contains(word, said.Output, StringComparison.Ordinal));
        Assert.True(File.Exists(part) && Directory.Exists(DumpHost.PathOf(host.First, old)));
        Assert.Contains("1 objects of no backup", (await host.RunAsync("verify", DumpHost.Service)).Must().Output, StringComparison.Ordinal);

        var collected = (await host.RunAsync("repo", "gc", "-o", "json")).Must().Json.GetProperty("services")[0].GetProperty("repositories")[0];
        Assert.Equal((1, 1000), (collected.GetProperty("packs").GetInt32(), collected.GetProperty("bytes").GetInt32()));
        Assert.False(File.Exists(part));
        (await host.RunAsync("expire", DumpHost.Service)).Must();
        foreach (var repository in new[] { host.First, host.Second })
        {
            Assert.All(DumpHost.Objects(repository), file => Assert.StartsWith(DumpHost.PathOf(repository, young), file, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_dump_that_is_older_than_the_objective_is_said_to_be()
    {
        using var host = await DumpHost.CreateAsync(cluster.Service + "\nobjectives: { rpo: 1s }");
        await host.BackupAsync();
        await Eventually.IsTrueAsync(
            async () => (await host.RunAsync("info")).Must().Output.Contains("older than objectives.rpo allows", StringComparison.Ordinal), () => "the dump is called too old");
        Assert.True((await host.RunAsync("info", "-o", "json")).Must().Json.GetProperty("services")[0].GetProperty("stale").GetBoolean());
        host.Configure(cluster.Service);
        Assert.False((await host.RunAsync("info", "-o", "json")).Must().Json.GetProperty("services")[0].GetProperty("stale").GetBoolean());
    }

    [Fact]
    public async Task Damage_is_found_and_named()
    {
        using var host = await DumpHost.CreateAsync(cluster.Service);
        var id = await host.BackupAsync();
        var part = Path.Combine(DumpHost.PathOf(host.Second, id), "000001");
        var whole = await File.ReadAllBytesAsync(part);
        File.SetUnixFileMode(part, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllBytesAsync(part, [.. whole[..100], (byte)(whole[100] ^ 4), .. whole[101..]]);
        var found = (await host.RunAsync("verify", DumpHost.Service, "-o", "json")).Must(9).Json;
        Assert.Equal(1, found.GetProperty("finding-count").GetInt32());
        Assert.Equal($"services/shop/dumps/{id}/000001", found.GetProperty("findings")[0].GetProperty("object").GetString());
        (await host.RunAsync("verify", DumpHost.Service, "--repository", "first")).Must();
        (await host.RunAsync("verify", DumpHost.Service, "--since", "0/1")).Must(1).MustSay("--since with a WAL position is for services that archive WAL");
        await File.WriteAllBytesAsync(part, whole);
        (await host.RunAsync("verify", DumpHost.Service)).Must();
    }

    [Fact]
    public async Task A_check_says_what_the_role_may_not_read_before_a_backup_does()
    {
        await cluster.ExecuteAsync("postgres", "DROP ROLE IF EXISTS weak");
        await cluster.ExecuteAsync("postgres", "CREATE ROLE weak LOGIN");
        using var host = await DumpHost.CreateAsync(cluster.Service.Replace("Username=dumper", "Username=weak", StringComparison.Ordinal));
        var failed = (await host.RunAsync("check", DumpHost.Service)).Must(9);
        Assert.All(["permission denied for table", "pg_read_all_data"], word => Assert.Contains(word, Unwrapped(failed.Output), StringComparison.Ordinal));
        await cluster.ExecuteAsync("postgres", "GRANT pg_read_all_data TO weak");
        (await host.RunAsync("check", DumpHost.Service)).Must();
        await cluster.ExecuteAsync("postgres", "DROP ROLE weak");
        Assert.Contains("\"weak\"", (await host.RunAsync("check", DumpHost.Service)).Must(9).Output, StringComparison.Ordinal);
    }

    [FormatReaderFact]
    public async Task The_independent_reader_lists_verifies_and_opens_a_dump()
    {
        using var host = await DumpHost.CreateAsync(cluster.Service);
        var id = await host.BackupAsync();
        var listed = Encoding.UTF8.GetString(await FormatReader.ReadAsync(host.Host, "dumps", DumpHost.Service)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, listed.Length);
        Assert.All(listed, line => Assert.StartsWith(id, line, StringComparison.Ordinal));
        Assert.Contains("3 streams", Encoding.UTF8.GetString(await FormatReader.ReadAsync(host.Host, "dump-verify", DumpHost.Service, id)), StringComparison.Ordinal);

        var globals = Encoding.UTF8.GetString(await FormatReader.ReadAsync(host.Host, "dump", DumpHost.Service, id, "globals.sql"));
        Assert.Contains("CREATE ROLE clerk", globals, StringComparison.Ordinal);
        var dump = host.Directory["orders.dump"];
        await File.WriteAllBytesAsync(dump, await FormatReader.ReadAsync(host.Host, "dump", DumpHost.Service, id, "orders.dump"));
        var contents = (await ProgramRun.RunAsync(PostgresBinaries.Find(15).Program("pg_restore"), ["--list", dump])).Must().Output;
        Assert.Contains("TABLE DATA sales orders", contents, StringComparison.Ordinal);

        foreach (var name in new[] { "000001", "manifest", "SHA256SUMS", "dump.json" })
        {
            var path = Path.Combine(DumpHost.PathOf(host.First, id), name);
            var whole = await File.ReadAllBytesAsync(path);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            await File.WriteAllBytesAsync(path, [.. whole[..40], (byte)(whole[40] ^ 1), .. whole[41..]]);
            Assert.NotEqual(0, (await FormatReader.RunAsync(host.Host, "dump-verify", DumpHost.Service, id)).Code);
            await File.WriteAllBytesAsync(path, whole);
        }
    }

    static string Unwrapped(string text) => text.ReplaceLineEndings(" ");
}
