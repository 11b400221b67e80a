using Pitr.Format.Layout;
using Pitr.Operations.Agent;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.Testing;
using Serilog.Core;

namespace Pitr.Operations.Tests.Agent;

public class ArchiveRequestHandlerTests
{
    const string Name = "000000010000000000000003";

    [Fact]
    public async Task Push_and_get_go_through_one_open_service()
    {
        await using var scenario = await Scenario.StartAsync();
        var opened = 0;
        await using var handler = Handler(name =>
        {
            opened++;
            Assert.Equal("main", name);
            return scenario.Open();
        });
        var path = scenario.Write(Name, WalSample.Segment(Name));

        // The sample's records end before the segment does.
        var pushed = await handler.HandleAsync(Push(path), default);
        Assert.Equal(0, pushed.ExitCode);
        Assert.Contains($"{Name} is archived as it is, but recovery will end at 0/300028", pushed.Message, StringComparison.Ordinal);
        Assert.Equal(new ArchiveResponse(0), await handler.HandleAsync(Get(Name, scenario["RECOVERYXLOG"]), default));
        Assert.Equal(new ArchiveResponse(1), await handler.HandleAsync(Get("000000010000000000000004", scenario["RECOVERYXLOG2"]), default));

        Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(scenario["RECOVERYXLOG"]));
        Assert.False(File.Exists(scenario["RECOVERYXLOG2"]));
        Assert.Equal(1, opened);
    }

    [Fact]
    public async Task A_failed_push_and_an_unknown_get_are_answers_not_crashes()
    {
        await using var scenario = await Scenario.StartAsync(skipsWaits: true);
        await using var handler = Handler(_ => scenario.Open());
        var path = scenario.Write(Name, WalSample.Segment(Name));
        scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Put).Repeated(int.MaxValue));
        scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Read).On(k => k.EndsWith(Name, StringComparison.Ordinal)).Repeated(int.MaxValue));

        Assert.Equal(7, (await handler.HandleAsync(Push(path), default)).ExitCode);
        Assert.Equal(126, (await handler.HandleAsync(Get(Name, scenario["RECOVERYXLOG"]), default)).ExitCode);
        Assert.Equal(1, (await handler.HandleAsync(Get(Name, scenario["RECOVERYXLOG"], "true"), default)).ExitCode);
        Assert.Equal(126, (await handler.HandleAsync(Get(Name, scenario["RECOVERYXLOG"], "yes"), default)).ExitCode);
    }

    [Fact]
    public async Task A_service_that_could_not_be_opened_is_opened_again_for_the_next_request()
    {
        await using var scenario = await Scenario.StartAsync();
        var first = true;
        await using var handler = Handler(_ =>
        {
            if (first)
            {
                first = false;
                throw new RepositoryUnavailableException("not yet mounted");
            }

            return scenario.Open();
        });
        var path = scenario.Write(Name, WalSample.Segment(Name));

        Assert.Equal(7, (await handler.HandleAsync(Push(path), default)).ExitCode);
        Assert.Equal(0, (await handler.HandleAsync(Push(path), default)).ExitCode);
    }

    [Fact]
    public async Task What_is_missing_in_a_request_is_the_protocols_business()
    {
        await using var handler = Handler(_ => throw new InvalidOperationException("never asked"));

        await Assert.ThrowsAsync<FormatException>(() => handler.HandleAsync(new ArchiveRequest("push", new Dictionary<string, string>()), default));
    }

    [Fact]
    public async Task Through_the_socket_a_client_that_went_away_leaves_no_file_behind()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name);
        await using var handler = Handler(_ => scenario.Open());
        var socket = ArchiveSocket.Listen(scenario["agent.sock"], handler.HandleAsync, Logger.None);
        var slow = scenario.Store.Inject(StoreFault.HoldAfter(StoreOperation.Read).On(k => k == scenario.KeyOf(Name)));

        using (var client = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified))
        {
            await client.ConnectAsync(new System.Net.Sockets.UnixDomainSocketEndPoint(scenario["agent.sock"]));
            await client.SendAsync(System.Text.Encoding.UTF8.GetBytes($"pitr-agent 1 get\nservice: main\nfile: {Name}\npath: {scenario["RECOVERYXLOG"]}\n\n"));
            await slow.Reached;
        }

        await socket.DisposeAsync();
        Assert.Empty(Directory.GetFiles(scenario.Root, "RECOVERYXLOG*"));
    }

    static ArchiveRequestHandler Handler(Func<string, PostgresService> open) => new((name, _) => open(name), new Failures(), Logger.None);

    static ArchiveRequest Push(string path) => new("push", new Dictionary<string, string> { ["service"] = "main", ["path"] = path });

    static ArchiveRequest Get(string file, string path, string? standby = null)
    {
        var headers = new Dictionary<string, string> { ["service"] = "main", ["file"] = file, ["path"] = path };
        if (standby is not null)
        {
            headers["standby"] = standby;
        }

        return new ArchiveRequest("get", headers);
    }

    sealed class Failures : IArchiveFailures
    {
        public ArchiveResponse OfPush(Exception failure) => new(7, failure.Message);

        public ArchiveResponse OfGet(Exception failure, bool standby) => new(standby ? 1 : 126, failure.Message);
    }
}
