using System.Net.Sockets;
using System.Text;
using Pitr.Operations.Agent;
using Pitr.Operations.Errors;
using Serilog.Core;

namespace Pitr.Operations.Tests.Agent;

/// <summary>The agent's side of docs/agent-protocol.md.</summary>
public sealed class ArchiveSocketTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("pitr-archive-socket-").FullName;

    string SocketPath => Path.Combine(_directory, "agent.sock");

    [Fact]
    public async Task One_request_gets_one_answer_and_the_connection_ends()
    {
        ArchiveRequest? seen = null;
        await using var socket = Listen((request, _) =>
        {
            seen = request;
            return Task.FromResult(new ArchiveResponse(0));
        });

        Assert.Equal("pitr-agent 1 0\n\n", await AskAsync("pitr-agent 1 push\nservice: main\npath: /a b/c: d\nfuture: x\n\n"));

        Assert.Equal("push", seen!.Verb);
        Assert.Equal("main", seen.Require("service"));
        Assert.Equal("/a b/c: d", seen.Require("path"));
    }

    [Theory]
    [InlineData("pitr-agent 2 push\nservice: main\n\n", "version 2")]
    [InlineData("pitr-agent 1 delete\nservice: main\n\n", "delete")]
    [InlineData("pitr-agent 01 push\n\n", "version 01")]
    [InlineData("GET / HTTP/1.1\nHost: x\n\n", "cannot be read")]
    [InlineData("\n\n", "cannot be read")]
    [InlineData("pitr-agent 1 push\nno colon\n\n", "cannot be read")]
    [InlineData("pitr-agent 1 push\n: empty\n\n", "cannot be read")]
    public async Task What_it_does_not_speak_is_answered_64(string request, string message)
    {
        await using var socket = Listen((_, _) => throw new InvalidOperationException("never asked"));

        var answer = await AskAsync(request);

        Assert.StartsWith("pitr-agent 1 64\nmessage: ", answer, StringComparison.Ordinal);
        Assert.Contains(message, answer, StringComparison.Ordinal);
        Assert.EndsWith("\n\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_without_what_it_needs_is_answered_64()
    {
        await using var socket = Listen((request, _) => Task.FromResult(new ArchiveResponse(request.Require("service").Length)));

        Assert.StartsWith("pitr-agent 1 64\n", await AskAsync("pitr-agent 1 push\npath: /x\n\n"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(8192, "pitr-agent 1 0\n")]
    [InlineData(8193, "pitr-agent 1 64\n")]
    [InlineData(100_000, "pitr-agent 1 64\n")]
    public async Task A_request_has_at_most_8192_bytes(int length, string answer)
    {
        await using var socket = Listen((_, _) => Task.FromResult(new ArchiveResponse(0)));
        const string Head = "pitr-agent 1 push\npath: ";

        var given = await AskAsync(Head + new string('x', length - Head.Length - 2) + "\n\n");

        Assert.StartsWith(answer, given, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_may_come_in_pieces_that_cut_characters()
    {
        ArchiveRequest? seen = null;
        await using var socket = Listen((request, _) =>
        {
            seen = request;
            return Task.FromResult(new ArchiveResponse(0));
        });
        using var client = await ConnectAsync();

        foreach (var one in Encoding.UTF8.GetBytes("pitr-agent 1 push\npath: /größe/数据\n\n"))
        {
            await client.SendAsync(new[] { one });
        }

        Assert.Equal("pitr-agent 1 0\n\n", await SocketClient.ReadToEndAsync(client));
        Assert.Equal("/größe/数据", seen!.Require("path"));
    }

    [Fact]
    public async Task Half_a_request_is_never_acted_on()
    {
        var asked = 0;
        await using var socket = Listen((_, _) =>
        {
            Interlocked.Increment(ref asked);
            return Task.FromResult(new ArchiveResponse(0));
        });

        foreach (var half in new[] { "", "pitr-agent 1 push", "pitr-agent 1 push\nservice: main\n" })
        {
            Assert.Equal("", await AskAsync(half, thenClose: true));
        }

        Assert.Equal("pitr-agent 1 0\n\n", await AskAsync("pitr-agent 1 push\n\n"));
        Assert.Equal(1, asked);
    }

    [Fact]
    public async Task Several_are_served_at_once()
    {
        const int Clients = 20;
        using var all = new CountdownEvent(Clients);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var socket = Listen(async (request, _) =>
        {
            if (all.Signal())
            {
                go.SetResult();
            }

            await go.Task;
            return new ArchiveResponse(0, request.Require("path"));
        });

        var answers = await Task.WhenAll(Enumerable.Range(0, Clients).Select(n => AskAsync($"pitr-agent 1 push\npath: /{n}\n\n")));

        Assert.Equal(Enumerable.Range(0, Clients).Select(n => $"pitr-agent 1 0\nmessage: /{n}\n\n"), answers);
    }

    [Fact]
    public async Task A_client_that_goes_away_ends_its_work()
    {
        var ended = new TaskCompletionSource();
        var begun = new TaskCompletionSource();
        await using var socket = Listen(async (_, cancellation) =>
        {
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ended.SetResult();
            cancellation.ThrowIfCancellationRequested();
            return new ArchiveResponse(0);
        });

        using (var client = await ConnectAsync())
        {
            await client.SendAsync(Encoding.UTF8.GetBytes("pitr-agent 1 get\n\n"));
            await begun.Task;
        }

        await ended.Task;
    }

    [Fact]
    public async Task Stopping_abandons_what_is_unanswered_without_acknowledging_it()
    {
        var begun = new TaskCompletionSource();
        var socket = Listen(async (_, cancellation) =>
        {
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
            return new ArchiveResponse(0);
        });
        var asking = AskAsync("pitr-agent 1 push\n\n");
        await begun.Task;

        await socket.DisposeAsync();

        Assert.Equal("", await asking);
        Assert.False(File.Exists(SocketPath));
    }

    [Fact]
    public async Task An_unexpected_failure_of_the_work_is_no_answer_and_the_next_request_gets_one()
    {
        var first = true;
        await using var socket = Listen((_, _) =>
        {
            if (first)
            {
                first = false;
                throw new InvalidOperationException("a bug");
            }

            return Task.FromResult(new ArchiveResponse(0));
        });

        Assert.Equal("", await AskAsync("pitr-agent 1 push\n\n"));
        Assert.Equal("pitr-agent 1 0\n\n", await AskAsync("pitr-agent 1 push\n\n"));
    }

    [Fact]
    public async Task Only_the_owner_can_connect()
    {
        await using var socket = Listen((_, _) => Task.FromResult(new ArchiveResponse(0)));

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath));
    }

    [Fact]
    public async Task A_second_agent_is_refused_and_the_first_goes_on()
    {
        await using var socket = Listen((_, _) => Task.FromResult(new ArchiveResponse(0)));

        Assert.Throws<BusyException>(() => Listen((_, _) => Task.FromResult(new ArchiveResponse(1))));

        Assert.Equal("pitr-agent 1 0\n\n", await AskAsync("pitr-agent 1 push\n\n"));
    }

    [Fact]
    public async Task A_socket_that_a_dead_agent_left_behind_is_replaced()
    {
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(Path.Combine(_directory, "dead.sock")));
            File.Move(Path.Combine(_directory, "dead.sock"), SocketPath);
        }

        await using var socket = Listen((_, _) => Task.FromResult(new ArchiveResponse(0)));

        Assert.Equal("pitr-agent 1 0\n\n", await AskAsync("pitr-agent 1 push\n\n"));
    }

    [Fact]
    public async Task After_one_was_stopped_the_next_can_listen()
    {
        await Listen((_, _) => Task.FromResult(new ArchiveResponse(1))).DisposeAsync();
        await using var socket = Listen((_, _) => Task.FromResult(new ArchiveResponse(0)));

        Assert.Equal("pitr-agent 1 0\n\n", await AskAsync("pitr-agent 1 push\n\n"));
    }

    [Fact]
    public void A_path_that_is_too_long_is_refused_with_its_limit()
    {
        var path = Path.Combine(_directory, new string('x', 120));

        var error = Assert.Throws<RefusedInputException>(() => ArchiveSocket.Listen(path, (_, _) => Task.FromResult(new ArchiveResponse(0)), Logger.None));

        Assert.Contains("107 bytes", error.Hint, StringComparison.Ordinal);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Random_bytes_never_reach_the_work_and_never_stop_the_agent()
    {
        var asked = 0;
        await using var socket = Listen((_, _) =>
        {
            Interlocked.Increment(ref asked);
            return Task.FromResult(new ArchiveResponse(0));
        });
        var random = new Random(7);

        for (var round = 0; round < 300; round++)
        {
            var bytes = new byte[random.Next(0, 400)];
            random.NextBytes(bytes);
            using var client = await ConnectAsync();
            await client.SendAsync(bytes);
            await client.SendAsync("\n\n"u8.ToArray());
            client.Shutdown(SocketShutdown.Send);
            Assert.DoesNotContain("pitr-agent 1 0", await SocketClient.ReadToEndAsync(client), StringComparison.Ordinal);
        }

        Assert.Equal(0, asked);
        Assert.Equal("pitr-agent 1 0\n\n", await AskAsync("pitr-agent 1 push\n\n"));
    }

    ArchiveSocket Listen(Func<ArchiveRequest, CancellationToken, Task<ArchiveResponse>> handle) => ArchiveSocket.Listen(SocketPath, handle, Logger.None);

    Task<Socket> ConnectAsync() => SocketClient.ConnectAsync(SocketPath);

    async Task<string> AskAsync(string request, bool thenClose = false)
    {
        using var client = await ConnectAsync();
        try
        {
            await client.SendAsync(Encoding.UTF8.GetBytes(request));
        }
        catch (SocketException)
        {
            // It may answer and close before it has read all of a request that is too long.
        }

        if (thenClose)
        {
            client.Shutdown(SocketShutdown.Send);
        }

        return await SocketClient.ReadToEndAsync(client);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
