using System.Net.Sockets;
using System.Text;

namespace Pitr.EndToEnd.Tests.Programs;

/// <summary>Something that listens on the agent's socket and answers whatever it is asked with the same words.</summary>
sealed class AnswersAlways : IAsyncDisposable
{
    readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    readonly byte[] _answer;
    readonly CancellationTokenSource _stopping = new();
    readonly Task _serving;
    int _asked;

    public AnswersAlways(string path, string answer)
    {
        _answer = Encoding.UTF8.GetBytes(answer);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
        _serving = ServeAsync();
    }

    /// <summary>How often it was asked.</summary>
    public int Asked => Volatile.Read(ref _asked);

    async Task ServeAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                using var client = await _listener.AcceptAsync(_stopping.Token);
                await client.ReceiveAsync(new byte[8192], _stopping.Token);
                await client.SendAsync(_answer, _stopping.Token);
                Interlocked.Increment(ref _asked);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // The client is gone, or the test is over.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _serving;
        _listener.Dispose();
        _stopping.Dispose();
    }
}
