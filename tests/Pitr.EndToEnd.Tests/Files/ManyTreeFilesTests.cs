using System.Globalization;
using Pitr.EndToEnd.Tests.Programs;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests.Files;

/// <summary>A tree of very many small files: what a backup and a restore keep of each in memory is little. PITR_TEST_TREE_FILES says how many.</summary>
public sealed class ManyTreeFilesTests(ITestOutputHelper output)
{
    // Buffers for packs of two jobs, and what the runtime takes that compiles as it goes.
    const long Most = 256L << 20;
    const long MostPerFile = 400;

    [Fact]
    public async Task Memory_hardly_grows_with_the_number_of_files()
    {
        var files = TestEnvironment.TreeFiles;
        using var host = await FilesHost.CreateAsync("backup: { jobs: 2 }");
        (await ProgramRun.RunAsync("/usr/bin/python3",
        [
            "-c",
            """
            import os, sys
            for i in range(int(sys.argv[2])):
                if i % 500 == 0:
                    directory = f"{sys.argv[1]}/{i // 20000}/{i // 500}"
                    os.makedirs(directory)
                with open(f"{directory}/{i}", "w") as f:
                    f.write(f"this is file {i}\\n" * (i % 100))
            """,
            host.Tree,
            $"{files}",
        ])).Must();
        await FilesHost.SettleAsync();

        var peaks = new List<long>();
        foreach (var arguments in new string[][] { ["backup", FilesHost.Service], ["backup", FilesHost.Service], ["restore", FilesHost.Service, "--to", host.Directory["to"]] })
        {
            peaks.Add(await PeakAsync(host, arguments));
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{files} files: {peaks[0] >> 20} MiB for the first backup, {peaks[1] >> 20} MiB for the second, {peaks[2] >> 20} MiB for the restore"));
        Assert.Equal("", (await ProgramRun.RunAsync("/usr/bin/diff", ["-r", host.Tree, host.Restored("to")])).Must().Output);

        (await ProgramRun.RunAsync("/usr/bin/find", [host.Tree, "-type", "f", "-exec", "truncate", "--size=7", "{}", "+"])).Must();
        (await ProgramRun.RunAsync("/bin/cp", ["-a", host.Tree, host.Directory["before"]])).Must();
        string[] inPlace = ["restore", FilesHost.Service, "--in-place", "--path", host.Tree];
        peaks.Add(await PeakAsync(host, inPlace));
        Assert.Equal("", (await ProgramRun.RunAsync("/usr/bin/diff", ["-r", "-x", "*.before-*", host.Tree, host.Restored("to")])).Must().Output);
        peaks.Add(await PeakAsync(host, "restore", FilesHost.Service, "--in-place", "--roll-back"));
        Assert.Equal("", (await ProgramRun.RunAsync("/usr/bin/diff", ["-r", host.Tree, host.Directory["before"]])).Must().Output);
        (await host.RunAsync(inPlace)).Must();
        peaks.Add(await PeakAsync(host, "restore", FilesHost.Service, "--in-place", "--confirm"));
        Assert.Equal("", (await ProgramRun.RunAsync("/usr/bin/diff", ["-r", host.Tree, host.Restored("to")])).Must().Output);

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"in place {peaks[3] >> 20} MiB, back {peaks[4] >> 20} MiB, confirmed {peaks[5] >> 20} MiB"));
        Assert.All(peaks, peak => Assert.InRange(peak, 0, Most + (files * MostPerFile)));
    }

    async Task<long> PeakAsync(FilesHost host, params string[] arguments)
    {
        using var running = host.Host.Start(arguments);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var peak = await ProcessMemory.PeakAsync(running);
        output.WriteLine((await running.EndAsync(TimeSpan.FromMinutes(5))).Must().Output + watch.Elapsed);
        return peak;
    }
}
