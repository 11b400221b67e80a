using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Pitr.Operations.Agent;

/// <summary>
/// Tells systemd how the agent is doing (sd_notify(3), spoken directly: datagrams to $NOTIFY_SOCKET). Without systemd it says nothing.
/// What cannot be delivered is left out: archiving does not depend on somebody listening.
/// </summary>
public sealed class ServiceManager : IDisposable
{
    readonly Socket? _socket;
    readonly UnixDomainSocketEndPoint? _manager;

    ServiceManager(Socket? socket, UnixDomainSocketEndPoint? manager, TimeSpan? watchdog) => (_socket, _manager, Watchdog) = (socket, manager, watchdog);

    /// <summary>How often at least <see cref="StillAlive"/> has to be said, or null when nobody waits for it.</summary>
    public TimeSpan? Watchdog { get; }

    /// <summary>Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.</summary>
    /// <param name="variable">Gives the value of an environment variable, or null.</param>
    /// <param name="processId">Of this process: a watchdog may be meant for another one.</param>
    public static ServiceManager FromEnvironment(Func<string, string?> variable, int processId)
    {
        // A path, or with @ a name of Linux's abstract name space; anything else is of a kind that this program cannot speak to.
        if (variable("NOTIFY_SOCKET") is not { Length: > 1 } name || name[0] is not ('/' or '@'))
        {
            return new ServiceManager(null, null, null);
        }

        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        var manager = new UnixDomainSocketEndPoint(name[0] == '@' ? '\0' + name[1..] : name);
        var isMeant = variable("WATCHDOG_PID") is not { Length: > 0 } id || id == processId.ToString(CultureInfo.InvariantCulture);
        var watchdog = isMeant && long.TryParse(variable("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds) && microseconds > 0
            ? TimeSpan.FromMicroseconds(microseconds)
            : (TimeSpan?)null;
        return new ServiceManager(socket, manager, watchdog);
    }

    /// <summary>Requests are answered from now on.</summary>
    public void Ready(string status) => Tell($"READY=1\nSTATUS={OneLine(status)}");

    /// <summary>One line for <c>systemctl status</c>.</summary>
    public void Status(string status) => Tell($"STATUS={OneLine(status)}");

    /// <summary>The agent has begun to stop.</summary>
    public void Stopping() => Tell("STOPPING=1\nSTATUS=stopping");

    /// <summary>The agent works; without it for longer than <see cref="Watchdog"/> systemd starts it anew.</summary>
    public void StillAlive() => Tell("WATCHDOG=1");

    static string OneLine(string text) => text.ReplaceLineEndings(" ");

    void Tell(string message)
    {
        try
        {
            _socket?.SendTo(Encoding.UTF8.GetBytes(message), SocketFlags.None, _manager!);
        }
        catch (SocketException)
        {
            // The manager is gone or its queue is full; the next message says it again.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket?.Dispose();
}
