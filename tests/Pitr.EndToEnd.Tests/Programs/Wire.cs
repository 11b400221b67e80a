using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Pitr.EndToEnd.Tests.Programs;

/// <summary>The line to a server, which can be cut and mended: relays TCP connections as they are.</summary>
sealed class Wire : IAsyncDisposable
{
    readonly IPEndPoint _server;
    readonly ConcurrentDictionary<Socket, bool> _sockets = new();
    Socket _listener;
    Task _accepting;

    public Wire(string host, int port)
    {
        _server = new IPEndPoint(IPAddress.Parse(host), port);
        _listener = Listen(0);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _accepting = AcceptAsync(_listener);
    }

    /// <summary>Where to connect to, on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>Breaks every connection there is; new ones go through.</summary>
    public void Break()
    {
        foreach (var socket in _sockets.Keys)
        {
            socket.Dispose();
        }
    }

    /// <summary>Refuses connections and breaks those there are.</summary>
    public async Task CutAsync()
    {
        _listener.Dispose();
        await _accepting;
        Break();
    }

    /// <summary>Lets connections through again.</summary>
    public void Mend()
    {
        _listener = Listen(Port);
        _accepting = AcceptAsync(_listener);
    }

    public async ValueTask DisposeAsync() => await CutAsync();

    static Socket Listen(int port)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen(128);
        return listener;
    }

    async Task AcceptAsync(Socket listener)
    {
        while (true)
        {
            try
            {
                _ = RelayAsync(await listener.AcceptAsync());
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    async Task RelayAsync(Socket client)
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        _sockets[client] = _sockets[server] = true;
        try
        {
            await server.ConnectAsync(_server);
            await Task.WhenAll(PumpAsync(client, server), PumpAsync(server, client));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Broken by one end or by the test: both ends see it.
        }
        finally
        {
            client.Dispose();
            _sockets.TryRemove(client, out _);
            _sockets.TryRemove(server, out _);
        }
    }

    static async Task PumpAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await from.ReceiveAsync(buffer)) > 0)
        {
            for (var sent = 0; sent < read;)
            {
                sent += await to.SendAsync(buffer.AsMemory(sent, read - sent));
            }
        }

        to.Shutdown(SocketShutdown.Send);
    }
}
