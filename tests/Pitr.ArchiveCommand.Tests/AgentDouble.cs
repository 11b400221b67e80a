using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;

namespace Pitr.ArchiveCommand.Tests;

/// <summary>
/// Plays the agent on a Unix socket: takes each connection, reads the request up to its empty line and lets the test answer.
/// </summary>
sealed class AgentDouble : IAsyncDisposable
{
    readonly Socket _listener;
    readonly Func<string, Socket, CancellationToken, Task> _answer;
    readonly CancellationTokenSource _stop = new();
    readonly Channel<string> _requests = Channel.CreateUnbounded<string>();
    readonly Task _loop;

    internal AgentDouble(Socket listener, Func<string, Socket, CancellationToken, Task> answer)
    {
        _listener = listener;
        _answer = answer;
        _loop = Task.Run(ServeAsync);
    }

    internal static AgentDouble Answering(string socketPath, string answer) => Answering(socketPath, _ => answer);

    internal static AgentDouble Answering(string socketPath, Func<string, string> answer) =>
        new(Listen(socketPath), async (request, connection, stop) =>
            await connection.SendAsync(Encoding.UTF8.GetBytes(answer(request)), SocketFlags.None, stop));

    /// <summary>Takes requests and never answers, or only with the beginning given.</summary>
    internal static AgentDouble Hanging(string socketPath, string beginning = "") =>
        new(Listen(socketPath), async (_, connection, stop) =>
        {
            await connection.SendAsync(Encoding.UTF8.GetBytes(beginning), SocketFlags.None, stop);
            await Task.Delay(Timeout.Infinite, stop);
        });

    internal static Socket Listen(string socketPath, int backlog = 16)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(socketPath));
        listener.Listen(backlog);
        return listener;
    }

    /// <summary>The next request that has not been taken yet.</summary>
    internal async Task<string> RequestAsync() => await _requests.Reader.ReadAsync();

    internal bool WasAsked => _requests.Reader.TryPeek(out _);

    async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var connection = await _listener.AcceptAsync(_stop.Token);
                var request = await ReadRequestAsync(connection);
                await _requests.Writer.WriteAsync(request, _stop.Token);
                await _answer(request, connection, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    async Task<string> ReadRequestAsync(Socket connection)
    {
        var bytes = new List<byte>();
        var buffer = new byte[AgentRequest.MaximumLength];
        while (true)
        {
            var count = await connection.ReceiveAsync(buffer, SocketFlags.None, _stop.Token);
            bytes.AddRange(buffer.AsSpan(0, count));
            var text = Encoding.UTF8.GetString(bytes.ToArray());
            if (count == 0 || text.EndsWith("\n\n", StringComparison.Ordinal))
            {
                return text;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _loop;
        _stop.Dispose();
    }
}
