using System.Net.Sockets;
using System.Text;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests.Archiving;

/// <summary>
/// One side has been upgraded and the other has not: nothing is lost, nobody is believed who speaks otherwise, and both logs say what to do.
/// The other version is played here, word for word as docs/agent-protocol.md has it.
/// </summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class ProtocolVersionTests(ProtectedService service)
{
    [Fact]
    public async Task An_agent_of_another_version_is_done_without_until_it_is_replaced()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), withAgent: false, settings: [("wal_keep_size", "1GB"), ("log_min_messages", "log")]);
        var host = cluster.Host;
        // An older one, a newer one, and two that claim what they did not do.
        (int Version, int Code)[] others = [(0, 64), (2, 64), (0, 0), (2, 0)];
        var segments = new List<string>();
        foreach (var (version, code) in others)
        {
            await using var other = new AgentDouble(host.Socket, version, code);
            await cluster.ExecuteAsync($"SELECT pg_logical_emit_message(false, 'agent of version', '{version}')");
            segments.Add(await cluster.ArchiveEverythingAsync());
            Assert.True(other.Asked > 0, "the agent was not asked");

            var fetched = cluster.Directory[$"fetched-{version}-{code}"];
            var asked = other.Asked;
            (await host.ArchiveAsync("get", "main", segments[^1], fetched)).Must()
                .MustSay("none of agent protocol version 1; doing the work inline", "HINT:  restart pitr agent", "same release");
            Assert.True(other.Asked > asked);
            Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(cluster.PgWal, segments[^1])), await File.ReadAllBytesAsync(fetched));
            // What no archive has is still told from what nobody knows.
            (await host.ArchiveAsync("get", "main", "0000000100000000000000FF", fetched)).Must(1);
        }

        var log = string.Join('\n', cluster.Cluster.Server.LogTail(200));
        Assert.Contains("none of agent protocol version 1; doing the work inline", log, StringComparison.Ordinal);
        Assert.Contains("HINT:  restart pitr agent", log, StringComparison.Ordinal);

        cluster.Agent = await host.StartAgentAsync();
        foreach (var segment in segments)
        {
            // The one that took over finds what was done without it.
            Assert.Equal("", (await host.ArchiveAsync("push", "main", Path.Combine(cluster.PgWal, segment))).Must().Errors);
        }

        await cluster.ArchiveEverythingAsync();
        var report = (await host.RunAsync("--output", "json", "wal", "verify", "main")).Must().Json;
        Assert.Equal(0, report.GetProperty("finding-count").GetInt64());
    }

    [Theory]
    [InlineData("pitr-agent 0 push")]
    [InlineData("pitr-agent 2 push")]
    [InlineData("pitr-agent 2 archive")]
    [InlineData("pitr-agent 1 archive")]
    public async Task A_client_of_another_version_is_told_so_and_does_the_work_itself(string firstLine)
    {
        using var directory = new TestDirectory();
        var host = new PitrHost(directory.New("host"), directory["repository"]);
        (await host.InitAsync($"Host={directory.Path}", directory["data"])).Must();
        host.WriteConfiguration();
        var offered = Path.Combine(directory.New("wal"), service.FirstSegment);
        (await service.Host.RunAsync("wal", "get", "main", service.FirstSegment, offered)).Must();
        using var agent = await host.StartAgentAsync();

        var answer = await AskAsync(host.Socket, $"{firstLine}\nservice: main\npath: {offered}\nsince-version: 2\n\n");

        Assert.StartsWith("pitr-agent 1 64\nmessage: this agent speaks version 1", answer, StringComparison.Ordinal);
        Assert.Contains("\nmessage: HINT: pitr and pitr-archive should come from the same release", answer, StringComparison.Ordinal);
        Assert.False(File.Exists(host.WalPath(service.FirstSegment)));

        // What such a client does then, and what one of this version finds afterwards.
        (await host.RunAsync("wal", "push", "main", offered)).Must();
        Assert.StartsWith("pitr-agent 1 0\n", await AskAsync(host.Socket, $"pitr-agent 1 push\nservice: main\npath: {offered}\nsince-version: 2\n\n"), StringComparison.Ordinal);
        await agent.KillAsync();
        (await agent.EndAsync(TimeSpan.FromMinutes(1))).MustSay("this agent speaks version 1", firstLine.Split(' ')[^1]);
    }

    static async Task<string> AskAsync(string path, string request)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        await socket.SendAsync(Encoding.UTF8.GetBytes(request));
        var answer = new MemoryStream();
        var buffer = new byte[8192];
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        for (int read; (read = await socket.ReceiveAsync(buffer, patience.Token)) > 0;)
        {
            answer.Write(buffer, 0, read);
        }

        return Encoding.UTF8.GetString(answer.ToArray());
    }
}
