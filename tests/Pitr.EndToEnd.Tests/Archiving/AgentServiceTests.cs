using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Archiving;

/// <summary>`pitr agent` as a service: how it starts, what it tells systemd, how it stops.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class AgentServiceTests(ProtectedService service) : IAsyncLifetime
{
    readonly TestDirectory _directory = new();
    PitrHost? _host;

    PitrHost Host => _host!;

    public async Task InitializeAsync()
    {
        _host = new PitrHost(_directory.New("host"), _directory["repository"]);
        (await _host.InitAsync($"Host={_directory.Path}", _directory["data"])).Must();
        _host.WriteConfiguration();
        (await service.Host.RunAsync("wal", "get", "main", service.FirstSegment, Offered)).Must();
    }

    public Task DisposeAsync()
    {
        _directory.Dispose();
        return Task.CompletedTask;
    }

    string Offered => Path.Combine(_directory.New("wal"), service.FirstSegment);

    [Fact]
    public async Task It_tells_systemd_when_it_is_ready_lives_works_and_stops_and_ends_with_0_without_its_socket()
    {
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(_directory["notify"]));
        Host.Environment["NOTIFY_SOCKET"] = _directory["notify"];
        Host.Environment["WATCHDOG_USEC"] = "1000000";
        using var agent = Host.Start("agent");
        var told = new StringBuilder();

        await UntilToldAsync(manager, told, "READY=1\n");
        // Ready means that requests are answered: without an agent pitr-archive would warn.
        Assert.Equal("", (await Host.ArchiveAsync("push", "main", Offered)).Must().Errors);
        await UntilToldAsync(manager, told, "WATCHDOG=1");
        await UntilToldAsync(manager, told, $"STATUS=archived 1 files, last {service.FirstSegment}");

        await agent.TerminateAsync();
        await UntilToldAsync(manager, told, "STOPPING=1");
        (await agent.EndAsync(TimeSpan.FromSeconds(30))).Must();
        Assert.False(File.Exists(Host.Socket));
    }

    [Fact]
    public async Task Told_to_stop_while_a_repository_is_slow_it_ends_in_bounded_time_and_acknowledges_nothing()
    {
        // Content that does not compress, to a repository that takes it in minutes.
        var content = await File.ReadAllBytesAsync(Offered);
        Random.Shared.NextBytes(content.AsSpan(8192));
        await File.WriteAllBytesAsync(Offered, content);
        Host.Environment["PITR_REPOSITORIES__LOCAL__UPLOAD_LIMIT"] = "50kB/s";
        using var agent = await Host.StartAgentAsync();
        using var push = RunningProgram.Start(
            TestEnvironment.PitrArchive, ["--socket", Host.Socket, "--pitr", "/bin/false", "push", "main", Offered]);
        await Eventually.IsTrueAsync(
            () => Directory.Exists(Host.PathOf("services/main")) && Directory.EnumerateFiles(Host.PathOf("services/main"), ".tmp-*", SearchOption.AllDirectories).Any(), () => "the object is on its way");
        Assert.False(push.HasExited);

        await agent.TerminateAsync();

        // Five seconds to end by itself, some more to heed it.
        (await agent.EndAsync(TimeSpan.FromSeconds(60))).Must();
        Assert.False(File.Exists(Host.Socket));
        Assert.False(File.Exists(Host.WalPath(service.FirstSegment)));
        var unanswered = await push.EndAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(1, unanswered.ExitCode);
        unanswered.MustSay("ended the connection before its whole answer");
    }

    [Fact]
    public async Task A_second_agent_is_refused_and_one_that_was_killed_is_replaced()
    {
        using var first = await Host.StartAgentAsync();
        (await Host.RunAsync("agent")).Must(11).MustSay("another agent already listens", "HINT:");
        await first.KillAsync();
        Assert.True(File.Exists(Host.Socket));

        using var next = await Host.StartAgentAsync();

        Assert.Equal("", (await Host.ArchiveAsync("push", "main", Offered)).Must().Errors);
    }

    [ProgramFact("/usr/bin/systemd-socket-activate")]
    public async Task A_socket_of_systemd_is_served_and_stays_when_the_agent_stops()
    {
        // It starts the agent at the first connection, as a .socket unit does.
        using var activator = RunningProgram.Start(
            "/usr/bin/systemd-socket-activate", ["--listen", Host.Socket, TestEnvironment.Pitr, "--config", Host.ConfigurationFile, "agent"], Host.Environment);
        await Eventually.IsTrueAsync(() => File.Exists(Host.Socket), () => "the socket is there");

        var push = await ProgramRun.RunAsync(TestEnvironment.PitrArchive, ["--socket", Host.Socket, "--pitr", "/bin/false", "push", "main", Offered]);

        push.Must();
        Assert.True(File.Exists(Host.WalPath(service.FirstSegment)));
        (await Host.RunAsync("agent")).Must(11);
        await activator.TerminateAsync();
        (await activator.EndAsync(TimeSpan.FromSeconds(30))).Must().MustSay($"listens on {Host.Socket}");
        Assert.True(File.Exists(Host.Socket));
    }

    [Fact]
    public async Task A_socket_that_is_none_is_refused()
    {
        // The shell becomes pitr, so the process id is the one that is named; descriptor 3 is a file.
        var run = await ProgramRun.RunAsync(
            "/bin/sh", ["-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\" 3</dev/null", "sh", TestEnvironment.Pitr, "--config", Host.ConfigurationFile, "agent"], Host.Environment);

        run.Must(1).MustSay("no listening Unix stream socket", "HINT:");
    }

    [ProgramFact("/usr/bin/systemd-analyze")]
    public async Task The_units_are_ones_that_systemd_takes()
    {
        var units = _directory.New("units");
        foreach (var unit in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "systemd")))
        {
            // The program is where the tests have it, and the user is this one.
            var text = (await File.ReadAllTextAsync(unit))
                .Replace("/usr/local/bin/pitr", TestEnvironment.Pitr, StringComparison.Ordinal)
                .Replace("=postgres\n", $"={Environment.UserName}\n", StringComparison.Ordinal);
            await File.WriteAllTextAsync(Path.Combine(units, Path.GetFileName(unit).Replace("@.", "@main.", StringComparison.Ordinal)), text);
        }

        foreach (var unit in Directory.EnumerateFiles(units))
        {
            var run = await ProgramRun.RunAsync("/usr/bin/systemd-analyze", ["verify", "--man=no", "--recursive-errors=no", unit]);
            Assert.True(run.ExitCode == 0 && !run.Errors.Contains(units, StringComparison.Ordinal), run.ToString());
        }
    }


    static async Task UntilToldAsync(Socket manager, StringBuilder told, string what)
    {
        var buffer = new byte[1000];
        while (!told.ToString().Contains(what, StringComparison.Ordinal))
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
            told.Append(Encoding.UTF8.GetString(buffer, 0, await manager.ReceiveAsync(buffer, patience.Token))).Append('\n');
        }
    }
}
