using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Pitr.Storage.Tests.Ftp;

/// <summary>
/// Stands between a client and the control port of an unencrypted FTP server and changes what they say, line by line. Data connections go past it,
/// because EPSV names only a port. Without a server it accepts connections and stays silent.
/// </summary>
sealed class LineProxy : IAsyncDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource _stopping = new();
    readonly int? _server;
    readonly Func<string, string> _command;
    readonly Func<string, string> _answer;
    readonly Task _accepting;

    public LineProxy(int? server, Func<string, string>? command = null, Func<string, string>? answer = null)
    {
        _server = server;
        _command = command ?? (line => line);
        _answer = answer ?? (line => line);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How many connections there were.</summary>
    public int Connections { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stopping.Dispose();
    }

    async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stopping.Token);
                Connections++;
                serving.Add(ServeAsync(client));
            }
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(serving);
        }
    }

    async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                if (_server is null)
                {
                    await Task.Delay(Timeout.Infinite, _stopping.Token);
                }

                using var server = new TcpClient();
                await server.ConnectAsync(IPAddress.Loopback, _server!.Value, _stopping.Token);
                await Task.WhenAny(
                    CopyAsync(client.GetStream(), server.GetStream(), _command),
                    CopyAsync(server.GetStream(), client.GetStream(), _answer));
            }
            catch (Exception end) when (end is OperationCanceledException or IOException or SocketException)
            {
                // Either side went away, which is what some tests are about.
            }
        }
    }

    async Task CopyAsync(NetworkStream from, NetworkStream to, Func<string, string> change)
    {
        using var reader = new StreamReader(from, Encoding.Latin1, leaveOpen: true);
        while (await reader.ReadLineAsync(_stopping.Token) is { } line)
        {
            await to.WriteAsync(Encoding.Latin1.GetBytes(change(line) + "\r\n"), _stopping.Token);
        }
    }
}
