using System.Net.Sockets;
using System.Text;

namespace Pitr.EndToEnd.Tests.Programs;

/// <summary>
/// Plays a `pitr agent` of another protocol version, as docs/agent-protocol.md wants every version to behave: it reads the request up to its
/// empty line and declines a version that it does not know, in its own. It never does any work.
/// </summary>
/// <param name="path">The agent's socket.</param>
/// <param name="version">The version it speaks.</param>
/// <param name="code">What it answers to another version: 64, or what a worse one might.</param>
sealed class AgentDouble : IAsyncDisposable
{
    readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    readonly string _path;
    readonly CancellationTokenSource _stopping = new();
    readonly Task _serving;
    int _asked;

    public AgentDouble(string path, int version, int code = 64)
    {
        _path = path;
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
        var answer = Encoding.UTF8.GetBytes($"pitr-agent {version} {code}\nmessage: this agent speaks version {version}\n\n");
        _serving = ServeAsync(answer);
    }

    /// <summary>How often it was asked.</summary>
    public int Asked => Volatile.Read(ref _asked);

    async Task ServeAsync(byte[] answer)
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                using var client = await _listener.AcceptAsync(_stopping.Token);
                var request = "";
                var buffer = new byte[8192];
                int read;
                while (!request.EndsWith("\n\n", StringComparison.Ordinal) && (read = await client.ReceiveAsync(buffer, _stopping.Token)) > 0)
                {
                    request += Encoding.UTF8.GetString(buffer, 0, read);
                }

                Assert.StartsWith("pitr-agent 1 ", request, StringComparison.Ordinal);
                await client.SendAsync(answer, _stopping.Token);
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
        File.Delete(_path);
        _stopping.Dispose();
    }
}
