using System.Net.Sockets;
using System.Text;
using Pitr.Format.Wal;
using Pitr.Operations.Agent;
using Pitr.Operations.Archive.Prefetch;

namespace Pitr.Operations.Tests.Archive.Prefetch;

/// <summary>What a get leaves behind where no agent runs.</summary>
public class RecoveryHelperTests
{
    static string Name(ulong number) => PrefetchScenario.Name(number);

    [Fact]
    public void Its_socket_has_the_name_that_pitr_archive_asks_at() =>
        // The same value stands in the tests of pitr-archive.
        Assert.EndsWith("-700a984870b6f070", RecoveryHelper.SocketName("main", "/data/pg_wal/RECOVERYXLOG", "/etc/p.yaml", "a,b"), StringComparison.Ordinal);

    [Fact]
    public async Task It_serves_its_recovery_and_nobody_else()
    {
        await using var helper = await Running.StartAsync();

        Assert.Equal("pitr-agent 1 0\n\n", await helper.AskAsync(helper.Get(Name(2))));
        Assert.True(File.Exists(helper.Scenario.Server.Segment));
        Assert.Equal("pitr-agent 1 1\n\n", await helper.AskAsync(helper.Get(Name(9))));

        Assert.Equal("pitr-agent 1 64\n\n", await helper.AskAsync(helper.Get(Name(2), service: "other")));
        Assert.Equal("pitr-agent 1 64\n\n", await helper.AskAsync(helper.Get(Name(2), destination: "/elsewhere/pg_wal/RECOVERYXLOG")));
        Assert.Equal("pitr-agent 1 64\n\n", await helper.AskAsync(helper.Get(Name(2), more: "repositories: r1\n")));
        Assert.Equal("pitr-agent 1 64\n\n", await helper.AskAsync($"pitr-agent 1 push\nservice: main\npath: {helper.Scenario.Server.Segment}\n\n"));
    }

    [Fact]
    public async Task It_is_alone()
    {
        await using var helper = await Running.StartAsync();

        // Ends at once: nothing advances the clock.
        await helper.RunAnotherAsync();

        Assert.False(helper.HasEnded);
    }

    [Theory]
    [InlineData("promoted")]
    [InlineData("restarted")]
    [InlineData("configured anew")]
    [InlineData("silence")]
    [InlineData("told to")]
    public async Task It_ends_by_itself_and_leaves_nothing(string why)
    {
        await using var helper = await Running.StartAsync();
        Assert.Equal("pitr-agent 1 0\n\n", await helper.AskAsync(helper.Get(Name(2))));
        switch (why)
        {
            case "promoted":
                helper.Scenario.Server.Promote();
                break;
            case "restarted":
                helper.Scenario.Server.Start(Environment.ProcessId, at: 2);
                break;
            case "configured anew":
                File.SetLastWriteTimeUtc(helper.Scenario.Service.Configuration.FilePath, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
                Assert.Equal("pitr-agent 1 64\n\n", await helper.AskAsync(helper.Get(Name(3))));
                break;
            case "told to":
                await helper.StopAsync();
                break;
        }

        for (var seconds = 0; !helper.HasEnded; seconds++)
        {
            Assert.InRange(seconds, 0, why == "silence" ? 90 : 30);
            helper.Scenario.Scenario.Clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(20);
        }

        Assert.Empty(helper.Scenario.Spooled);
    }

    [Fact]
    public async Task Without_a_recovering_server_it_ends_at_once()
    {
        await using var scenario = await PrefetchScenario.StartAsync();
        scenario.Server.Promote();

        await RecoveryHelper.RunAsync(scenario.Service, WalSegmentName.Parse(Name(1)), scenario.Server.Segment, "pitr-test-nobody", "", new Codes(), default);
    }

    sealed class Running : IAsyncDisposable
    {
        readonly string _name = $"pitr-test-{Guid.NewGuid():N}";
        readonly CancellationTokenSource _stop = new();
        Task _running = Task.CompletedTask;

        Running(PrefetchScenario scenario) => Scenario = scenario;

        public PrefetchScenario Scenario { get; }

        public bool HasEnded => _running.IsCompleted;

        public static async Task<Running> StartAsync()
        {
            var scenario = await PrefetchScenario.StartAsync();
            File.WriteAllText(scenario.Service.Configuration.FilePath, "");
            await scenario.Scenario.PushRunAsync(1, 1, 6);
            var helper = new Running(scenario);
            helper._running = helper.RunAnotherAsync();
            await scenario.UntilAsync(() => scenario.Spooled.Contains(Name(2)));
            return helper;
        }

        public Task RunAnotherAsync() => Task.Run(() => RecoveryHelper.RunAsync(Scenario.Service, WalSegmentName.Parse(Name(1)), Scenario.Server.Segment, _name, "", new Codes(), _stop.Token));

        public Task StopAsync() => _stop.CancelAsync();

        public string Get(string file, string service = "main", string? destination = null, string more = "") =>
            $"pitr-agent 1 get\nservice: {service}\nfile: {file}\npath: {destination ?? Scenario.Server.Segment}\n{more}\n";

        public async Task<string> AskAsync(string request)
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint("\0" + _name));
            await socket.SendAsync(Encoding.UTF8.GetBytes(request));
            var answer = new byte[8192];
            var length = 0;
            for (int read; (read = await socket.ReceiveAsync(answer.AsMemory(length))) > 0;)
            {
                length += read;
            }

            return Encoding.UTF8.GetString(answer, 0, length);
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running;
            _stop.Dispose();
            await Scenario.DisposeAsync();
        }
    }

    sealed class Codes : IArchiveFailures
    {
        public ArchiveResponse OfPush(Exception failure) => new(1, failure.Message);

        public ArchiveResponse OfGet(Exception failure, bool standby) => new(standby ? 1 : 126, failure.Message);
    }
}
