using System.Globalization;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Extract;

/// <summary>`pitr extract` when something is wrong: it says what, changes nothing, and leaves nothing behind.</summary>
[Collection(ExtractServiceCollection.Name)]
public sealed class ExtractRefusalTests(ExtractService service) : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    readonly TestDirectory _directory = new();

    string Dump => _directory["x.dump"];

    string Scratch => Path.Combine(service.Host.StateDirectory, "services", PitrHost.Service, "extract");

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(1, "-t public.ordres", "there was no table public.ordres in any database", "did you mean public.orders?")]
    [InlineData(1, "-t invoices --database shop", "there was no table invoices in database shop", "there was one in database billing: --database billing")]
    [InlineData(1, "-t customers", "there is such in databases billing, shop", "--database")]
    [InlineData(1, "--database shpo", "there was no database shpo", "did you mean \"shop\"?")]
    [InlineData(1, "-n sale --database shop", "there was no schema sale in database shop", "did you mean sales?")]
    public async Task What_was_not_there_is_said_with_what_was(int code, string arguments, string says, string hint)
    {
        (await service.ExtractAsync([.. arguments.Split(' '), "--to", Dump])).Must(code).MustSay(says, hint);
        Assert.Empty(Directory.GetFileSystemEntries(_directory.Path));
        service.RequireNothingLeft();
    }

    [Theory]
    [InlineData(1, "-t orders", "where shall it go?")]
    [InlineData(1, "-t orders --to x --into-database shop", "where shall it go?")]
    [InlineData(1, "-t orders -n sales --into-database shop", "--table and --schema exclude each other")]
    [InlineData(1, "-t \"orders --into-database shop", "leaves a double quote open")]
    [InlineData(1, "-t orders --into-database shop --format plain", "--format belongs to --to")]
    [InlineData(1, "-t orders --to x --no-owner", "--no-owner belongs to --into-database")]
    [InlineData(1, "--into-schema recovered --into-database shop", "--into-schema takes tables, or one schema")]
    [InlineData(1, "-t orders --to /nowhere/x", "there is no directory for /nowhere/x")]
    [InlineData(1, "-t orders --scratch /nowhere --into-database shop", "there is no directory /nowhere")]
    [InlineData(7, "-t public.customers --into-database shop", "has \"public\".\"customers\" already")]
    [InlineData(7, "--database shop --into-database billing", "is not empty: it has")]
    [InlineData(10, "-t orders --into-database nowhere", "database \"nowhere\" does not exist")]
    [InlineData(2, "-t orders --output orders.dump", "--output takes text or json, not \"orders.dump\"\nHINT: did you mean --to orders.dump?")]
    public async Task What_can_be_seen_is_refused_before_anything_is_restored(int code, string arguments, string says)
    {
        (await service.ExtractAsync(arguments.Split(' '))).Must(code).MustSay(says);
        Assert.False(Directory.Exists(Scratch));
    }

    [Fact]
    public async Task A_dry_run_shows_the_plan_and_makes_nothing()
    {
        var plan = (await service.ExtractAsync("-t", "public.orders", "--to", Dump, "--dry-run", "--output", "json")).Must().Json;
        Assert.Equal("public.orders", Assert.Single(plan.GetProperty("objects").EnumerateArray()).GetString());
        Assert.True(plan.GetProperty("restored-bytes").GetInt64() > 0);
        Assert.EndsWith("/pg_dump", plan.GetProperty("programs")[0].GetString(), StringComparison.Ordinal);
        Assert.Contains("take       table public.orders", (await service.ExtractAsync("-t", "public.orders", "--to", Dump, "--dry-run")).Must().Output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_directory.Path));
        Assert.False(Directory.Exists(Scratch));
    }

    [SmallDiskFact]
    public async Task Scratch_space_that_is_too_small_is_refused_with_the_way_out()
    {
        using var disk = SmallDisk.Mount(_directory.Path, "size=1m");
        service.Host.Through = disk.Enter;
        try
        {
            (await service.ExtractAsync("-t", "public.orders", "--to", Dump, "--scratch", _directory.Path, "--dry-run")).Must(8).MustSay("bytes free", "--scratch DIR");
        }
        finally
        {
            service.Host.Through = [];
        }
    }

    [Fact]
    public async Task Rows_that_do_not_fit_any_more_change_nothing()
    {
        // The customers of most orders were deleted.
        var run = (await service.ExtractAsync("-t", "public.orders", "--into-database", ExtractService.Shop)).Must(10);
        run.MustSay("violates foreign key constraint", "nothing was changed", "--into-schema");
        Assert.False(await service.ScalarAsync<bool>(ExtractService.Shop, "SELECT to_regclass('public.orders') IS NOT NULL"));
        service.RequireNothingLeft();
    }

    [Theory]
    [PostgresVersion(17)]
    public async Task Another_version_needs_programs_of_its_own(int version)
    {
        await using var cluster = await ProtectedCluster.CreateAsync(programs: PostgresVersionAttribute.Programs(version));
        await cluster.ExecuteAsync("CREATE TABLE things AS SELECT 1 AS id");
        await cluster.BackupAsync();
        var run = await cluster.Host.RunAsync("extract", "main", "-t", "things", "--target", "immediate", "--to", Dump);
        if (run.ExitCode == 0)
        {
            // Its client programs are installed here.
            Assert.True(File.Exists(Dump));
            return;
        }

        run.Must(10).MustSay($"no pg_dump of PostgreSQL {version} found", $"postgresql-client-{version}");
        Assert.False(Directory.Exists(Path.Combine(cluster.Host.StateDirectory, "services", PitrHost.Service, "extract")));
    }

    [Fact]
    public async Task Interrupted_at_any_point_it_clears_everything_away()
    {
        var target = await service.NewDatabaseAsync("interrupted");
        // Holds pg_restore, and so the dump, for as long as the test likes.
        await service.ExecuteAsync(target, """
            CREATE FUNCTION wait() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); END';
            CREATE EVENT TRIGGER wait ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION wait();
            """);
        Func<bool>[] moments =
        [
            () => Directory.Exists(Path.Combine(Scratch, "data")),
            () => File.Exists(Path.Combine(Scratch, "data", "postmaster.pid")),
            () => Processes.Find("pg_restore", "interrupted").Count > 0,
        ];
        foreach (var moment in moments)
        {
            using var extract = service.Host.Start(service.Arguments("-t", "customers", "--database", "shop", "--into-database", target));
            await Eventually.IsTrueAsync(() => extract.HasExited || moment(), () => "the extract gets there");
            (await ProgramRun.RunAsync("/bin/kill", ["-TERM", extract.ProcessId.ToString(CultureInfo.InvariantCulture)])).Must();
            (await extract.EndAsync(Patience)).Must(130);
            service.RequireNothingLeft();
        }

        // The server does not go on with what nobody waits for.
        await Eventually.IsTrueAsync(
            async () => await service.Cluster.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE datname = 'interrupted' AND query LIKE '%CREATE TABLE%'") == 0, () => "the living server is left alone");
        Assert.False(await service.ScalarAsync<bool>(target, "SELECT to_regclass('public.customers') IS NOT NULL"));
    }

    [Fact]
    public async Task What_a_killed_one_left_goes_with_the_next()
    {
        var elsewhere = _directory.New("scratch");
        using (var killed = service.Host.Start(service.Arguments("-t", "public.orders", "--scratch", elsewhere, "--to", Dump)))
        {
            await Eventually.IsTrueAsync(() => killed.HasExited || Processes.Find("postgres", elsewhere).Count > 0, () => "its server runs");
            // It stands still until it is killed, however long the other one takes.
            (await ProgramRun.RunAsync("/bin/kill", ["-STOP", killed.ProcessId.ToString(CultureInfo.InvariantCulture)])).Must();
            (await service.ExtractAsync("-t", "public.orders", "--to", _directory["other.dump"])).Must(11).MustSay("another extract of service main runs");
            await killed.KillAsync();
        }

        Assert.NotEmpty(Directory.GetFileSystemEntries(elsewhere));
        (await service.ExtractAsync("-t", "public.orders", "--to", Dump)).Must().MustSay("cleared away what a killed extract of service main had left", elsewhere);
        Assert.Empty(Directory.GetFileSystemEntries(elsewhere));
        Assert.Empty(Processes.Find("postgres", elsewhere));
        Assert.Equal([elsewhere, Dump], Directory.GetFileSystemEntries(_directory.Path).Order(StringComparer.Ordinal));
        service.RequireNothingLeft();
    }
}
