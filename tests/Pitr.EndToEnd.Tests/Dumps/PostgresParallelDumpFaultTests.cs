using System.Globalization;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>Dumps by several jobs that go wrong: what lies on disk is bounded and private, no backup is made, and nothing stays.</summary>
public sealed class PostgresParallelDumpFaultTests
{
    const long Bound = 2 << 20;

    // What a file takes beyond its content, and what a tool writes before it is held up, which takes its time on a loaded host. All of the dump is four times that.
    const long Slack = 60 << 20;

    const string Slowly = "400kB/s";

    const string Noise = """
        CREATE TABLE one AS SELECT g AS id, (SELECT string_agg(md5(random()::text || g || s), '') FROM generate_series(1, 32) s) AS text FROM generate_series(1, 60000) g;
        CREATE TABLE two AS SELECT * FROM one;
        CREATE TABLE three AS SELECT * FROM one;
        CREATE TABLE four AS SELECT * FROM one;
        """;

    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task What_lies_on_disk_is_bounded_and_goes_with_the_next_run_when_pitr_is_killed()
    {
        await using var made = await CreateSlowAsync();
        using (var backup = made.Host.Host.Start("backup", DumpHost.Service))
        {
            // As much waits as may, and the writers are held up: also while nothing is taken.
            await Eventually.IsTrueAsync(() => backup.HasExited || made.Tools().Count(IsHeld) >= 2, () => "the writers are held up");
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(made.Staging));
            await made.Host.AwaitPartAsync(backup);
            for (var i = 0; i < 50; i++)
            {
                Assert.InRange(Allocated(made.Staging), 0, Bound + Slack);
                await Task.Delay(TimeSpan.FromMilliseconds(20));
            }

            await backup.KillAsync();
        }

        // Nobody takes what they write: they end, also those that were held up.
        await Eventually.IsTrueAsync(() => made.Tools().Count == 0, () => "pg_dump has ended");
        Assert.True(Directory.Exists(made.Staging));
        Assert.InRange(Allocated(made.Staging), 1, Bound + Slack);
        made.Configure(["shop"]);
        (await made.Host.RunAsync("backup", DumpHost.Service)).Must().MustSay("cleared away what a killed dump of service shop had left");
        made.RequireNothingStaged();
    }

    [Theory]
    [InlineData("tool")]
    [InlineData("worker")]
    [InlineData("server")]
    [InlineData("pitr")]
    public async Task A_dump_that_is_ended_leaves_nothing(string victim)
    {
        await using var made = await CreateSlowAsync();
        using var backup = made.Host.Host.Start("backup", DumpHost.Service);
        await made.Host.AwaitPartAsync(backup);
        await Eventually.IsTrueAsync(() => backup.HasExited || made.Tools().Count == 4, () => "three workers and who leads them");
        var leader = made.Tools().Single(id => Processes.Read(id, "stat")?.Split(") ")[^1].Split(' ')[1] == backup.ProcessId.ToString(CultureInfo.InvariantCulture));
        switch (victim)
        {
            case "tool":
                Processes.Kill(leader);
                (await backup.EndAsync(Patience)).Must(10).MustSay("pg_dump failed (killed by signal 9) while it wrote shop.dump; no backup was made");
                break;
            case "worker":
                Processes.Kill(made.Tools().First(id => id != leader));
                (await backup.EndAsync(Patience)).Must(10).MustSay("pg_dump failed with code 1 while it wrote shop.dump; no backup was made", "worker process died unexpectedly");
                break;
            case "server":
                await made.Cluster.StopAsync(Pitr.Postgres.Cluster.ServerStopMode.Immediate);
                (await backup.EndAsync(Patience)).Must(10).MustSay("pg_dump failed with code 1 while it wrote shop.dump; no backup was made");
                break;
            default:
                await backup.TerminateAsync();
                (await backup.EndAsync(Patience)).Must(130);
                break;
        }

        made.Host.RequireNothingLeft();
        made.RequireNothingStaged();
    }

    [SmallDiskFact]
    public async Task A_full_disk_is_no_backup_and_the_next_step_is_said()
    {
        await using var made = await CreateSlowAsync();
        var place = made.Host.Directory.New("place");
        using var disk = SmallDisk.Mount(place, "size=3m");
        made.Host.Host.Through = disk.Enter;
        made.Configure(["shop"], $"staging-directory: {place}", Slowly);
        (await made.Host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("No space left on device", "no backup was made", $"free some space in {place}", "staging-size");
        made.Host.RequireNothingLeft();
        Assert.Empty(Directory.GetFileSystemEntries(disk.Seen(place)));

        // A dump that was taken does not fit there when it shall be restored.
        made.Configure(["shop"]);
        await made.Host.BackupAsync();
        made.Configure(["shop"], $"staging-directory: {place}");
        (await made.Host.RunAsync("restore", DumpHost.Service, "--database", "shop", "--into", "back")).Must(8).MustSay($"in {place} until they are restored", "nothing was changed", "staging-directory");
        Assert.False(await made.ScalarAsync<bool>("postgres", "SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'back')"));
        Assert.Empty(Directory.GetFileSystemEntries(disk.Seen(place)));
    }

    [Fact]
    public async Task What_a_killed_restore_left_goes_with_the_next_one()
    {
        await using var made = await ParallelDumpHost.CreateAsync(15, ["shop"]);
        // So that a restore takes its time, but not the original.
        await made.ExecuteAsync("shop", """
            CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN IF current_database() = 'slowly' THEN PERFORM pg_catalog.pg_sleep(1); END IF; RETURN $1; END $$;
            CREATE TABLE t AS SELECT g AS id FROM generate_series(1, 300) g; CREATE INDEX ON t (public.slow(id));
            """);
        await made.Host.BackupAsync();
        string[] restore = ["restore", DumpHost.Service, "--database", "shop", "--into"];
        using (var killed = made.Host.Host.Start([.. restore, "slowly"]))
        {
            await Eventually.IsTrueAsync(
                async () => killed.HasExited || await made.ScalarAsync<bool>("postgres", "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = 'slowly' AND query LIKE 'CREATE INDEX%')"), () => "the index is being made");
            await killed.KillAsync();
        }

        await Eventually.IsTrueAsync(
            async () => made.Tools().Count == 0 && await made.ScalarAsync<long>("postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = 'slowly'") == 0, () => "pg_restore has ended");
        Assert.True(Directory.Exists(made.Staging + "-restore"));
        (await made.Host.RunAsync([.. restore, "back"])).Must().MustSay("cleared away what a killed dump-restore of service shop had left");
        Assert.Equal(300, await made.ScalarAsync<long>("back", "SELECT count(*) FROM t"));
        made.RequireNothingStaged();
    }

    static async Task<ParallelDumpHost> CreateSlowAsync()
    {
        var made = await ParallelDumpHost.CreateAsync(15, ["shop"], "staging-size: 2MiB", Slowly);
        await made.ExecuteAsync("shop", Noise);
        return made;
    }

    static bool IsHeld(int process) => Processes.Read(process, "stat")?.Split(") ")[^1][0] == 'T';

    // What the files of a directory take on disk; they may go meanwhile.
    static long Allocated(string directory)
    {
        var run = ProgramRun.RunAsync("/usr/bin/du", ["--summarize", "--block-size=1", directory]).GetAwaiter().GetResult();
        return long.Parse(run.Output.Split('\t')[0], CultureInfo.InvariantCulture);
    }
}
