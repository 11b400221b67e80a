using System.Text.Json;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>Drills on a host with dumps, and what they have to leave: nothing.</summary>
sealed class DumpDrill
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    readonly DumpHost _host;

    public DumpDrill(DumpHost host)
    {
        _host = host;
        // What is forgotten in the directory for temporary files is seen there.
        host.Host.Environment["TMPDIR"] = host.Directory.New("t");
        // The runtime's own sockets for debuggers would be, too, where it is killed while it starts.
        host.Host.Environment["DOTNET_EnableDiagnostics"] = "0";
    }

    string Scratch => Path.Combine(_host.Host.StateDirectory, "services", DumpHost.Service, "drill");

    /// <summary>Does one.</summary>
    /// <returns>Its report.</returns>
    public async Task<ProgramRun> RunAsync(int exitCode, params string[] arguments)
    {
        var run = (await _host.RunAsync(["--output", "json", "drill", DumpHost.Service, .. arguments])).Must(exitCode);
        RequireNothingLeft();
        return run;
    }

    /// <summary>Kills one with its server running, and lets the next one clear that away.</summary>
    /// <param name="server">A word of the server's command line, but not of what makes its data directory.</param>
    /// <param name="said">What the next one says of it.</param>
    public async Task KillAndClearAsync(string server, string said)
    {
        // It may be just ending by itself.
        for (var attempt = 0; attempt < 5 && !Runs(server); attempt++)
        {
            using var killed = _host.Host.Start("drill", DumpHost.Service);
            await Eventually.IsTrueAsync(() => killed.HasExited || Runs(server), () => "the scratch server runs");
            await killed.KillAsync();
        }

        Assert.True(Runs(server));
        (await RunAsync(0)).MustSay("cleared away what a killed drill of service shop had left", said);
    }

    /// <summary>Kills one while it makes its data directory, and lets the next one clear that away.</summary>
    /// <param name="setup">A word of the command line of what makes it.</param>
    public async Task KillInSetupAsync(string setup)
    {
        using (var killed = _host.Host.Start("drill", DumpHost.Service))
        {
            await Eventually.IsTrueAsync(() => killed.HasExited || Processes.Find(setup, Scratch).Count > 0, () => "the data directory is being made");
            await killed.KillAsync();
        }

        (await RunAsync(0)).MustSay("cleared away what a killed drill of service shop had left");
    }

    /// <summary>Interrupts one, which cleans up itself.</summary>
    public async Task InterruptAsync(string server)
    {
        using var drill = _host.Host.Start("drill", DumpHost.Service);
        await Eventually.IsTrueAsync(() => drill.HasExited || Runs(server), () => "the scratch server runs");
        await drill.TerminateAsync();
        var run = await drill.EndAsync(Patience);
        Assert.True(run.ExitCode is 130 or 143 or 0, run.ToString());
        RequireNothingLeft();
    }

    public void RequireNothingLeft()
    {
        Assert.False(Directory.Exists(Scratch), $"{Scratch} is left");
        Assert.Empty(Servers(""));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_host.Host.Environment["TMPDIR"]));
    }

    // It listens: before, the process is still a shell.
    bool Runs(string server) => Servers(server).Any() && Directory.EnumerateFiles(_host.Host.Environment["TMPDIR"], "*", SearchOption.AllDirectories).Any();

    // Redis' command line becomes its name and its socket.
    IEnumerable<int> Servers(string word) => Processes.Find(word, Scratch).Concat(Processes.Find(word, _host.Host.Environment["TMPDIR"]));

    public static JsonElement Check(JsonElement report, string name) =>
        Assert.Single(report.GetProperty("checks").EnumerateArray(), check => check.GetProperty("name").GetString() == name);

    public static string Detail(JsonElement report, string check) => Check(report, check).GetProperty("detail").GetString()!;

    public static string[] Names(JsonElement list) => [.. list.EnumerateArray().Select(item => item.GetProperty("name").GetString()!)];

    public static string[] Failures(JsonElement report) => [.. report.GetProperty("failures").EnumerateArray().Select(f => f.GetString()!)];

    /// <summary>A program that is a script: a double of a vendor's.</summary>
    public static void WriteDouble(string path, string script)
    {
        File.WriteAllText(path, "#!/bin/sh\n" + script);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
