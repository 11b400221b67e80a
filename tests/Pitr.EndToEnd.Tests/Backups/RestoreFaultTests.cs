using System.Diagnostics;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests.Backups;

/// <summary>What goes wrong in the middle of a restore: a full disk, a repository that dies, is very slow or lies.</summary>
[Collection(RestorableServiceCollection.Name)]
public sealed class RestoreFaultTests(RestorableService service, ITestOutputHelper output) : IDisposable
{
    readonly TestDirectory _directory = new();

    string To => _directory["to"];

    public void Dispose() => _directory.Dispose();

    [SmallDiskFact]
    public async Task A_disk_that_is_full_in_the_middle_is_named_and_the_same_command_goes_on_when_there_is_room()
    {
        var place = _directory.New("disk");
        using var disk = SmallDisk.Mount(place, "size=1g");
        var host = Copy("repository");
        host.Through = disk.Enter;
        var to = Path.Combine(place, "to");
        var running = await InTheMiddleAsync(host, to, disk.Seen(to));
        disk.Shrink();
        var failed = await EndAsync(running);

        failed.Must(8).MustSay("No space left on device", "check the space", "the same command may be run again");
        RequireNoCluster(disk.Seen(to));
        (await host.RunAsync(service.Restore(to))).Must(8).MustSay("bytes free", "HINT:");
        disk.Resize("size=1g");
        var plan = (await host.RunAsync(["--output", "json", .. service.Restore(to, "--dry-run")])).Must().Json;
        Assert.InRange(plan.GetProperty("written-packs").GetInt32(), 1, service.Packs);
        (await host.RunAsync(service.Restore(to))).Must();
        RequireReference(disk.Seen(to));
    }

    [Fact]
    public async Task Of_two_repositories_the_one_that_dies_in_the_middle_is_done_without()
    {
        var host = WithSecond();
        var running = await InTheMiddleAsync(host, To, To);
        Directory.Move(host.Repository, _directory["away"]);

        (await EndAsync(running)).Must();

        RequireReference(To);
    }

    [Fact]
    public async Task The_only_one_that_dies_in_the_middle_ends_the_restore_which_goes_on_when_it_is_back()
    {
        var host = Copy("repository");
        var running = await InTheMiddleAsync(host, To, To);
        Directory.Move(host.Repository, _directory["away"]);

        (await EndAsync(running)).Must(4).MustSay("local", "HINT:");
        RequireNoCluster(To);
        Directory.Move(_directory["away"], host.Repository);
        (await host.RunAsync(service.Restore(To))).Must();
        RequireReference(To);
    }

    [Fact]
    public async Task One_that_is_very_slow_holds_nobody_up()
    {
        var host = WithSecond();
        var text = File.ReadAllText(host.ConfigurationFile);
        // At this rate its packs would take minutes.
        File.WriteAllText(host.ConfigurationFile, text.Replace("download-limit: 8MB/s", "download-limit: 20kB/s", StringComparison.Ordinal));
        var watch = Stopwatch.StartNew();

        (await host.RunAsync(service.Restore(To))).Must();

        output.WriteLine($"{watch.Elapsed}");
        RequireReference(To);
    }

    [Theory]
    [InlineData("flipped")]
    [InlineData("truncated")]
    [InlineData("gone")]
    public async Task A_lie_of_one_is_made_good_by_the_other_and_a_lie_of_both_is_named(string lie)
    {
        var host = WithSecond();
        // Every second one, of the older backup and of the newer.
        var packs = Packs(host.Repository).Where((_, i) => i % 2 == 0).ToArray();
        foreach (var pack in packs)
        {
            Tell(lie, pack);
        }

        (await host.RunAsync(service.Restore(To))).Must();
        RequireReference(To);

        var key = Path.GetRelativePath(host.Repository, packs[^1]);
        Tell(lie, Path.Combine(_directory["second"], key));
        var other = _directory["other"];
        (await host.RunAsync(service.Restore(other))).Must(5).MustSay(key, lie == "gone" ? "missing" : "damaged", "HINT:");
        RequireNoCluster(other);
        (await host.RunAsync(service.Restore(other))).Must(5).MustSay(key);
        RequireNoCluster(other);
        Directory.CreateDirectory(Path.GetDirectoryName(packs[^1])!);
        File.Copy(service.Host.PathOf(key), packs[^1], overwrite: true);
        (await host.RunAsync(service.Restore(other))).Must();
        RequireReference(other);
    }

    static void Tell(string lie, string pack)
    {
        var content = File.ReadAllBytes(pack);
        File.Delete(pack);
        if (lie == "truncated")
        {
            File.WriteAllBytes(pack, content[..(content.Length / 2)]);
        }
        else if (lie == "flipped")
        {
            content[content.Length / 3] ^= 4;
            File.WriteAllBytes(pack, content);
        }
    }

    static string[] Packs(string repository) =>
        [.. Directory.EnumerateFiles(Path.Combine(repository, $"services/{PitrHost.Service}/packs"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    // Another machine with a copy of the repository, which gives what it has slowly.
    PitrHost Copy(string name)
    {
        var repository = _directory[name];
        TestDirectory.Copy(service.Host.Repository, repository);
        var host = new PitrHost(_directory.New("machine"), repository);
        var text = File.ReadAllText(service.Host.ConfigurationFile)
            .Replace($"file://{service.Host.Repository}", $"file://{repository}", StringComparison.Ordinal)
            .Replace(service.Host.StateDirectory, host.StateDirectory, StringComparison.Ordinal)
            .Replace("download-limit: 40MB/s", "retry: { deadline: 2s }\n    download-limit: 8MB/s", StringComparison.Ordinal);
        File.WriteAllText(host.ConfigurationFile, text);
        return host;
    }

    PitrHost WithSecond()
    {
        var host = Copy("repository");
        TestDirectory.Copy(host.Repository, _directory["second"]);
        var text = File.ReadAllText(host.ConfigurationFile)
            .Replace("\n# Everything stored is sealed", $"\n  second:\n    url: file://{_directory["second"]}\n    download-limit: 40MB/s\n# Everything stored is sealed", StringComparison.Ordinal)
            .Replace("    repositories: [local]", "    repositories: [local, second]", StringComparison.Ordinal);
        File.WriteAllText(host.ConfigurationFile, text);
        return host;
    }

    async Task<RunningProgram> InTheMiddleAsync(PitrHost host, string to, string seen)
    {
        // Slowly enough to be met there.
        File.WriteAllText(host.ConfigurationFile, File.ReadAllText(host.ConfigurationFile).Replace("download-limit: 40MB/s", "download-limit: 10MB/s", StringComparison.Ordinal));
        var running = host.Start(service.Restore(to));
        await Eventually.IsTrueAsync(
            async () =>
            {
                if (running.HasExited)
                {
                    Assert.Fail((await running.EndAsync(TimeSpan.FromSeconds(1))).ToString());
                }

                return RestoredTree.PacksIn(seen) is > 1 and var packs && packs < service.Packs - 4;
            },
            () => "some packs are written");
        return running;
    }

    static async Task<ProgramRun> EndAsync(RunningProgram running)
    {
        using (running)
        {
            return await running.EndAsync(TimeSpan.FromMinutes(2));
        }
    }

    // Of another machine: its settings name another configuration.
    void RequireReference(string directory)
    {
        const string settings = "postgresql.auto.conf";
        Assert.Equal("", service.Reference.Without(settings).Difference(RestorableService.Tree(directory).Without(settings)));
        Assert.True(File.Exists(Path.Combine(directory, settings)));
        Assert.False(RestoredTree.IsMarked(directory));
    }

    static void RequireNoCluster(string directory)
    {
        Assert.True(RestoredTree.IsMarked(directory));
        Assert.False(File.Exists(Path.Combine(directory, "global/pg_control")));
    }
}
