using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Pitr.Storage.Tests.S3;

/// <summary>
/// Stands between the driver and a real server and makes trouble as told. Speaks HTTP/1.1, optionally over TLS, and is also an HTTP proxy.
/// </summary>
public sealed class FaultProxy : IAsyncDisposable
{
    readonly Uri _server;
    readonly X509Certificate2? _certificate;
    readonly CancellationTokenSource _end = new();
    readonly List<ProxiedRequest> _requests = [];
    readonly Lock _lock = new();
    TcpListener? _listener;
    CancellationTokenSource _down = new();
    Task _accepting = Task.CompletedTask;

    public FaultProxy(Uri server, X509Certificate2? certificate = null)
    {
        _server = server;
        _certificate = certificate;
        Start();
    }

    /// <summary>Decides about each request; <see langword="null"/> passes it on.</summary>
    public Func<ProxiedRequest, ProxyFault?> Fault { get; set; } = static _ => null;

    public int Port { get; private set; }

    public Uri Endpoint => new($"{(_certificate is null ? "http" : "https")}://127.0.0.1:{Port}");

    /// <summary>What came, in order, without the driver's trial of create-if-absent.</summary>
    public IReadOnlyList<ProxiedRequest> Requests
    {
        get
        {
            lock (_lock)
            {
                return [.. _requests.Where(request => !request.IsTrial)];
            }
        }
    }

    /// <summary>A fault for the first request that fits, once.</summary>
    public void Once(Func<ProxiedRequest, bool> fits, ProxyFault fault) => Times(1, fits, fault);

    /// <summary>A fault for the first requests that fit.</summary>
    public void Times(int times, Func<ProxiedRequest, bool> fits, ProxyFault fault)
    {
        var left = times;
        Fault = request => fits(request) && Interlocked.Decrement(ref left) >= 0 ? fault : null;
    }

    /// <summary>Listens again, on the port it had.</summary>
    public void Start()
    {
        _down = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
        _listener = new TcpListener(IPAddress.Loopback, Port);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync(_listener, _down.Token);
    }

    /// <summary>Refuses connections and breaks those there are.</summary>
    public async Task StopAsync()
    {
        await _down.CancelAsync();
        _listener?.Stop();
        await _accepting;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _end.CancelAsync();
        _end.Dispose();
    }

    async Task AcceptAsync(TcpListener listener, CancellationToken cancellationToken)
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                serving.Add(ServeAsync(await listener.AcceptTcpClientAsync(cancellationToken), cancellationToken));
            }
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // Stopped.
        }

        await Task.WhenAll(serving);
    }

    async Task ServeAsync(TcpClient accepted, CancellationToken cancellationToken)
    {
        using var server = new TcpClient();
        using var client = accepted;
        // Not a polite end: whoever waits is to notice a broken connection.
        client.LingerState = new LingerOption(enable: true, seconds: 0);
        try
        {
            await server.ConnectAsync(_server.Host, _server.Port, cancellationToken);
            Stream near = client.GetStream();
            if (_certificate is not null)
            {
                var tls = new SslStream(near);
                near = tls;
                await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, cancellationToken);
            }

            await using (near)
            {
                var from = new HttpReader(near);
                var to = new HttpReader(server.GetStream());
                while (await from.ReadHeadAsync(cancellationToken) is { } head && await ExchangeAsync(head, from, to, cancellationToken))
                {
                }
            }
        }
        catch (Exception failure) when (failure is IOException or SocketException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
        {
            // One side is gone, so the other goes.
        }
    }

    async Task<bool> ExchangeAsync(string head, HttpReader from, HttpReader to, CancellationToken cancellationToken)
    {
        var request = Note(ref head, out var expects);
        var fault = request.IsTrial && !TroublesTrials ? null : Fault(request);
        if (expects)
        {
            await from.Stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), cancellationToken);
        }

        if (fault?.Answer is { } answer)
        {
            await from.CopyAsync(Stream.Null, request.Length, cancellationToken);
            await from.Stream.WriteAsync(Encoding.UTF8.GetBytes(answer), cancellationToken);
            return true;
        }

        await to.Stream.WriteAsync(Encoding.Latin1.GetBytes(head), cancellationToken);
        if (fault?.CutRequestAfter is { } cut)
        {
            await from.CopyAsync(to.Stream, cut, cancellationToken);
            return false;
        }

        await from.CopyAsync(to.Stream, request.Length, cancellationToken, fault?.FlipBit == true);
        if (fault?.Hang == true)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        return await AnswerAsync(request, fault, from, to, cancellationToken);
    }

    /// <summary>Whether faults also meet the driver's trial of create-if-absent.</summary>
    public bool TroublesTrials { get; set; }

    static async Task<bool> AnswerAsync(
        ProxiedRequest request, ProxyFault? fault, HttpReader from, HttpReader to, CancellationToken cancellationToken)
    {
        var head = await to.ReadHeadAsync(cancellationToken);
        if (head is null || fault?.LoseAnswer == true)
        {
            return false;
        }

        await from.Stream.WriteAsync(Encoding.Latin1.GetBytes(head), cancellationToken);
        var status = head.Split(' ')[1];
        if (request.Method == "HEAD" || status is "204" or "304")
        {
            return true;
        }

        var length = HttpReader.Header(head, "Content-Length") is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : (long?)null;
        if ((fault?.CutAnswerAfter ?? fault?.HangAnswerAfter) is { } part)
        {
            await to.CopyAsync(from.Stream, part, cancellationToken);
            if (fault?.HangAnswerAfter is not null)
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return false;
        }

        await (length is null ? to.CopyChunksAsync(from.Stream, cancellationToken) : to.CopyAsync(from.Stream, length.Value, cancellationToken));
        return true;
    }

    /// <summary>Notes the request, and makes its head one to pass on.</summary>
    ProxiedRequest Note(ref string head, out bool expects)
    {
        var first = head.Split(' ', 3);
        // Whoever takes this for a proxy names the server here.
        var target = first[1].StartsWith('/') ? first[1] : new Uri(first[1]).PathAndQuery;
        head = $"{first[0]} {target} {first[2]}";
        expects = HttpReader.Header(head, "Expect") is not null;
        head = string.Join("\r\n", head.Split("\r\n").Where(line => !line.StartsWith("Expect:", StringComparison.OrdinalIgnoreCase)));
        var length = long.Parse(HttpReader.Header(head, "Content-Length") ?? "0", CultureInfo.InvariantCulture);
        lock (_lock)
        {
            var request = new ProxiedRequest(_requests.Count + 1, first[0], target, length, head);
            _requests.Add(request);
            return request;
        }
    }
}
