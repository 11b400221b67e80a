using System.Collections.Concurrent;
using System.Net.Sockets;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Serilog;

namespace Pitr.Operations.Agent;

/// <summary>
/// The Unix socket behind which archiving work is kept warm: keys, connections, compiled code. Speaks docs/agent-protocol.md;
/// pitr-archive is the client. One request per connection; several connections are served at once.
/// </summary>
public sealed class ArchiveSocket : IAsyncDisposable
{
    const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    readonly Socket _listener;
    readonly bool _isOurs;
    readonly FileStream? _lock;
    readonly Func<ArchiveRequest, CancellationToken, Task<ArchiveResponse>> _handle;
    readonly ILogger _log;
    readonly ArchiveSocketLimits _limits;
    readonly TimeProvider _clock;
    readonly CancellationTokenSource _closing = new();
    readonly CancellationTokenSource _abandoning = new();
    readonly ConcurrentDictionary<Task, bool> _serving = new();
    readonly Task _accepting;

    ArchiveSocket(
        Socket listener,
        bool isOurs,
        string path,
        FileStream? held,
        Func<ArchiveRequest, CancellationToken, Task<ArchiveResponse>> handle,
        ILogger log,
        ArchiveSocketLimits? limits,
        TimeProvider? clock)
    {
        (_listener, _isOurs, Path, _lock, _handle, _log) = (listener, isOurs, path, held, handle, log);
        _limits = limits ?? ArchiveSocketLimits.Default;
        _clock = clock ?? TimeProvider.System;
        _accepting = AcceptAsync();
    }

    /// <summary>Where clients connect.</summary>
    public string Path { get; }

    /// <summary>Whether requests are taken.</summary>
    public bool IsAccepting => !_accepting.IsCompleted;

    /// <summary>Starts to listen.</summary>
    /// <param name="path">Where the socket is made, mode 0600; one that a dead agent left behind is replaced.</param>
    /// <param name="handle">Does the work of one request.</param>
    /// <param name="log">Where failures are reported.</param>
    /// <param name="limits">What clients may take up; null: <see cref="ArchiveSocketLimits.Default"/>.</param>
    /// <param name="clock">Source of time; null: the system's.</param>
    /// <exception cref="BusyException">Another agent listens there.</exception>
    /// <exception cref="RefusedInputException">The socket cannot be made.</exception>
    public static ArchiveSocket Listen(
        string path,
        Func<ArchiveRequest, CancellationToken, Task<ArchiveResponse>> handle,
        ILogger log,
        ArchiveSocketLimits? limits = null,
        TimeProvider? clock = null)
    {
        var held = TryLock(path);
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // We hold the lock, so a socket file that is here has no living owner.
            File.Delete(path);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, OwnerOnly);
            listener.Listen(64);
            return new ArchiveSocket(listener, isOurs: true, path, held, handle, log, limits, clock);
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            listener.Dispose();
            held.Dispose();
            throw new RefusedInputException(
                $"the agent's socket {path} cannot be made: {e.Message}",
                "choose another place with agent.socket; its directory must exist and belong to this user (at most 107 bytes in all)",
                e);
        }
    }

    /// <summary>Serves a socket that somebody else has made, who keeps it when this agent stops: clients then wait for the next one.</summary>
    /// <param name="listener">A listening Unix stream socket; disposed with this object.</param>
    /// <inheritdoc cref="Listen"/>
    public static ArchiveSocket Serve(
        Socket listener,
        Func<ArchiveRequest, CancellationToken, Task<ArchiveResponse>> handle,
        ILogger log,
        ArchiveSocketLimits? limits = null,
        TimeProvider? clock = null)
    {
        var path = listener.LocalEndPoint!.ToString()!;
        return new ArchiveSocket(listener, isOurs: false, path, TryLock(path), handle, log, limits, clock);
    }

    /// <summary>
    /// Starts to listen on a name that is in no file system, and gone with the process that has it (unix(7), abstract sockets). Anybody may
    /// connect there, so only this user and root are answered.
    /// </summary>
    /// <param name="name">The name, without its leading NUL; at most 107 bytes.</param>
    /// <param name="handle">Does the work of one request.</param>
    /// <param name="log">Where failures are reported.</param>
    /// <returns>Null when another process listens there.</returns>
    public static ArchiveSocket? TryListenAbstract(string name, Func<ArchiveRequest, CancellationToken, Task<ArchiveResponse>> handle, ILogger log)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            listener.Bind(new UnixDomainSocketEndPoint("\0" + name));
            listener.Listen(64);
            return new ArchiveSocket(listener, isOurs: false, name, held: null, handle, log, limits: null, clock: null);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            listener.Dispose();
            return null;
        }
    }

    /// <summary>The file whose lock the process holds that listens on a socket.</summary>
    internal static string LockOf(string path) => path + ".lock";

    static FileStream TryLock(string path)
    {
        try
        {
            return StateFile.TryLock(LockOf(path)) ?? throw new BusyException(
                $"another agent already listens on {path}",
                "one agent per host and user serves every service; stop it first, or give this one another agent.socket");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedInputException(
                $"the directory of the agent's socket {path} cannot be used: {e.Message}",
                "create it for this user, or choose another place with agent.socket",
                e);
        }
    }

    async Task AcceptAsync()
    {
        while (!_closing.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptAsync(_closing.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException e)
            {
                // Out of descriptors or memory: the client falls back to doing the work itself; we keep listening.
                _log.Error(e, "a connection could not be accepted");
                await Task.Delay(TimeSpan.FromMilliseconds(100), _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            var refusal = _serving.Count < _limits.Connections ? null : $"this agent serves {_limits.Connections} connections already";
            var serving = Task.Run(() => ServeAsync(client, refusal));
            _serving[serving] = true;
            _ = serving.ContinueWith(done => _serving.TryRemove(done, out _), TaskScheduler.Default);
        }
    }

    async Task ServeAsync(Socket client, string? refusal)
    {
        using (client)
        {
            try
            {
                await new ArchiveConversation(client, _limits, _handle, _clock, _log).RunAsync(refusal, _abandoning.Token);
            }
            catch (Exception e)
            {
                // No answer, so nothing is acknowledged; the other connections go on.
                _log.Error(e, "a request ended in an error that is none of its own");
            }
        }
    }

    /// <summary>
    /// Stops listening and removes the socket, unless somebody else made it. Requests that are being worked on may end within
    /// <see cref="ArchiveSocketLimits.Grace"/>; after it they are abandoned, unacknowledged. Returns in bounded time.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _accepting;
        if (_isOurs)
        {
            // Before anything is waited for: who comes now does the work without an agent instead of waiting for this one's end.
            File.Delete(Path);
        }

        _listener.Dispose();
        if (!await EndedAsync(_limits.Grace))
        {
            await _abandoning.CancelAsync();
            if (!await EndedAsync(_limits.Abandon))
            {
                _log.Error("{Count} requests hang and are left behind; nothing of them is acknowledged", _serving.Count);
            }
        }

        if (_lock is not null)
        {
            await _lock.DisposeAsync();
        }
    }

    async Task<bool> EndedAsync(TimeSpan limit)
    {
        try
        {
            await Task.WhenAll(_serving.Keys).WaitAsync(limit, _clock);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
