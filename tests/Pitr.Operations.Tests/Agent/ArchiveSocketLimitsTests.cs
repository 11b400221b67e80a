using System.Net.Sockets;
using System.Text;
using Pitr.Operations.Agent;
using Pitr.Operations.Errors;
using Serilog.Core;
using static Pitr.Operations.Tests.Eventually;

namespace Pitr.Operations.Tests.Agent;

/// <summary>What clients may take up, and how the agent stops.</summary>
public sealed class ArchiveSocketLimitsTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("pitr-archive-socket-").FullName;
    readonly TestClock _clock = new(Scenario.Start);
    readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource _go = new(TaskCreationOptions.RunContinuationsAsynchronously);

    string SocketPath => Path.Combine(_directory, "agent.sock");

    [Theory]
    [InlineData("")]
    [InlineData("pitr-agent 1 push\nservice: main\n")]
    public async Task Half_a_request_is_waited_for_a_while_only(string half)
    {
        await using var socket = ArchiveSocket.Listen(SocketPath, (_, _) => Task.FromResult(new ArchiveResponse(0)), Logger.None, clock: _clock);
        using var client = await ConnectAsync();
        await client.SendAsync(Encoding.UTF8.GetBytes(half));
        await UntilAsync(() => _clock.Waiting > 0);
        Assert.Equal(0, client.Available);

        _clock.Advance(ArchiveSocketLimits.Default.Request);

        Assert.Equal("", await SocketClient.ReadToEndAsync(client));
    }

    [Fact]
    public async Task A_request_that_is_worked_on_has_all_the_time_it_needs()
    {
        await using var socket = ArchiveSocket.Listen(SocketPath, WorkAsync, Logger.None, clock: _clock);
        using var client = await ConnectAsync();
        await client.SendAsync("pitr-agent 1 push\n\n"u8.ToArray());
        await _begun.Task;

        _clock.Advance(TimeSpan.FromHours(1));
        _go.SetResult();

        Assert.Equal("pitr-agent 1 0\n\n", await SocketClient.ReadToEndAsync(client));
    }

    [Fact]
    public async Task More_connections_than_it_serves_are_told_to_do_it_themselves_until_one_ends()
    {
        await using var socket = ArchiveSocket.Listen(SocketPath, WorkAsync, Logger.None, ArchiveSocketLimits.Default with { Connections = 2 }, _clock);
        using var idle = await ConnectAsync();
        using var working = await ConnectAsync();
        await working.SendAsync("pitr-agent 1 push\n\n"u8.ToArray());
        await _begun.Task;
        await UntilAsync(() => _clock.Waiting > 0);

        using (var third = await ConnectAsync())
        {
            Assert.StartsWith("pitr-agent 1 64\nmessage: this agent serves 2 connections", await SocketClient.ReadToEndAsync(third), StringComparison.Ordinal);
        }

        _go.SetResult();
        Assert.Equal("pitr-agent 1 0\n\n", await SocketClient.ReadToEndAsync(working));
        await UntilAsync(async () =>
        {
            using var next = await ConnectAsync();
            await next.SendAsync("pitr-agent 1 push\n\n"u8.ToArray());
            return await SocketClient.ReadToEndAsync(next) == "pitr-agent 1 0\n\n";
        });
    }

    [Fact]
    public async Task Stopping_lets_work_end_and_takes_no_more()
    {
        var socket = ArchiveSocket.Listen(SocketPath, WorkAsync, Logger.None, clock: _clock);
        using var client = await ConnectAsync();
        await client.SendAsync("pitr-agent 1 push\n\n"u8.ToArray());
        await _begun.Task;

        var stopping = socket.DisposeAsync().AsTask();
        await UntilAsync(() => !File.Exists(SocketPath));
        Assert.False(stopping.IsCompleted);
        Assert.False(socket.IsAccepting);
        await Assert.ThrowsAsync<SocketException>(ConnectAsync);
        // As long as one still works nobody else may listen here.
        Assert.Throws<BusyException>(() => ArchiveSocket.Listen(SocketPath, WorkAsync, Logger.None));
        _go.SetResult();
        await stopping;

        Assert.Equal("pitr-agent 1 0\n\n", await SocketClient.ReadToEndAsync(client));
    }

    [Fact]
    public async Task Stopping_ends_in_bounded_time_even_if_work_hangs_and_acknowledges_nothing()
    {
        // Deaf to its cancellation, as a call into a file system that does not answer.
        var socket = ArchiveSocket.Listen(SocketPath, WorkAsync, Logger.None, clock: _clock);
        using var client = await ConnectAsync();
        await client.SendAsync("pitr-agent 1 push\n\n"u8.ToArray());
        await _begun.Task;

        var stopping = socket.DisposeAsync().AsTask();
        await UntilAsync(() => _clock.Waiting > 0);
        _clock.Advance(ArchiveSocketLimits.Default.Grace);
        await UntilAsync(() => _clock.Waiting > 0);
        Assert.False(stopping.IsCompleted);
        _clock.Advance(ArchiveSocketLimits.Default.Abandon);

        await stopping;
        Assert.Equal(0, client.Available);
        _go.SetResult();
    }

    [Fact]
    public async Task A_socket_that_was_handed_over_is_served_and_stays()
    {
        using var made = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        made.Bind(new UnixDomainSocketEndPoint(SocketPath));
        made.Listen();
        // The agent closes its own descriptor of it.
        var socket = ArchiveSocket.Serve(Duplicate(made), (_, _) => Task.FromResult(new ArchiveResponse(0)), Logger.None);
        Assert.Equal(SocketPath, socket.Path);
        Assert.Throws<BusyException>(() => ArchiveSocket.Listen(SocketPath, WorkAsync, Logger.None));
        using (var client = await ConnectAsync())
        {
            await client.SendAsync("pitr-agent 1 push\n\n"u8.ToArray());
            Assert.Equal("pitr-agent 1 0\n\n", await SocketClient.ReadToEndAsync(client));
        }

        await socket.DisposeAsync();

        Assert.True(File.Exists(SocketPath));
        // Who comes now waits for the next agent.
        using var waiting = await ConnectAsync();
        await waiting.SendAsync("pitr-agent 1 push\n\n"u8.ToArray());
        await using var next = ArchiveSocket.Serve(Duplicate(made), (_, _) => Task.FromResult(new ArchiveResponse(0)), Logger.None);
        Assert.Equal("pitr-agent 1 0\n\n", await SocketClient.ReadToEndAsync(waiting));
    }

    async Task<ArchiveResponse> WorkAsync(ArchiveRequest request, CancellationToken cancellation)
    {
        _begun.TrySetResult();
        await _go.Task;
        return new ArchiveResponse(0);
    }

    // A second descriptor of the same open socket, as a process gets that is started with it. In one process no number may come twice: epoll
    // remembers a closed descriptor as long as the socket is open by another (epoll(7)).
    static Socket Duplicate(Socket socket) =>
        new(new SafeSocketHandle(Libc.Control((int)socket.Handle, Libc.DuplicateFrom, Interlocked.Increment(ref _nextDescriptor)), ownsHandle: true));

    static int _nextDescriptor = 700;

    Task<Socket> ConnectAsync() => SocketClient.ConnectAsync(SocketPath);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    static class Libc
    {
        internal const int DuplicateFrom = 0; // F_DUPFD

        [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "fcntl")]
        internal static extern int Control(int descriptor, int command, nint argument);
    }
}
