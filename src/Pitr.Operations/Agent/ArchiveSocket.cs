using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
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
    const int UnsupportedVersion = 64;
    const int SocketLevel = 1;
    const int PeerCredentials = 17;

    readonly Socket _listener;
    readonly string _path;
    readonly FileStream? _lock;
    readonly Func<ArchiveRequest, CancellationToken, Task<ArchiveResponse>> _handle;
    readonly ILogger _log;
    readonly CancellationTokenSource _stopping = new();
    readonly ConcurrentDictionary<Task, bool> _serving = new();
    readonly Task _accepting;

    ArchiveSocket(Socket listener, string path, FileStream? held, Func<ArchiveRequest, CancellationToken, Task<ArchiveResponse>> handle, ILogger log)
    {
        _listener = listener;
        _path = path;
        _lock = held;
        _handle = handle;
        _log = log;
        _accepting = AcceptAsync();
    }

    /// <summary>Starts to listen.</summary>
    /// <param name="path">Where the socket is made, mode 0600; one that a dead agent left behind is replaced.</param>
    /// <param name="handle">Does the work of one request.</param>
    /// <param name="log">Where failures are reported.</param>
    /// <exception cref="BusyException">Another agent listens there.</exception>
    /// <exception cref="RefusedInputException">The socket cannot be made.</exception>
    public static ArchiveSocket Listen(string path, Func<ArchiveRequest, CancellationToken, Task<ArchiveResponse>> handle, ILogger log)
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
            return new ArchiveSocket(listener, path, held, handle, log);
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
            return new ArchiveSocket(listener, name, null, handle, log);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            listener.Dispose();
            return null;
        }
    }

    // SO_PEERCRED of unix(7): struct ucred is pid, uid, gid, 32 bits each.
    static bool IsTrusted(Socket client)
    {
        Span<byte> credentials = stackalloc byte[12];
        client.GetRawSocketOption(SocketLevel, PeerCredentials, credentials);
        var user = BitConverter.ToUInt32(credentials[4..]);
        return user == 0 || user == LibC.EffectiveUser();
    }

    static FileStream TryLock(string path)
    {
        try
        {
            return StateFile.TryLock(path + ".lock") ?? throw new BusyException(
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
        while (!_stopping.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptAsync(_stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException e)
            {
                // Out of descriptors or memory: the client falls back to doing the work itself; we keep listening.
                _log.Error(e, "a connection could not be accepted");
                await Task.Delay(TimeSpan.FromMilliseconds(100), _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            var serving = Task.Run(() => ServeAsync(client));
            _serving[serving] = true;
            _ = serving.ContinueWith(done => _serving.TryRemove(done, out _), TaskScheduler.Default);
        }
    }

    async Task ServeAsync(Socket client)
    {
        using (client)
        {
            try
            {
                if (_lock is null && !IsTrusted(client))
                {
                    return;
                }

                var response = await AnswerAsync(client);
                await client.SendAsync(response.ToBytes(), CancellationToken.None);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or EndOfStreamException)
            {
                // The client went away or we are stopping: nothing was acknowledged, PostgreSQL asks again.
                _log.Debug(e, "a connection ended before its answer");
            }
        }
    }

    async Task<ArchiveResponse> AnswerAsync(Socket client)
    {
        try
        {
            var request = ArchiveRequest.Parse(await ReadRequestAsync(client));
            using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            var watching = CancelWhenGoneAsync(client, abandoned);
            try
            {
                return await _handle(request, abandoned.Token);
            }
            finally
            {
                await abandoned.CancelAsync();
                await watching;
            }
        }
        catch (NotSupportedException e)
        {
            return new ArchiveResponse(UnsupportedVersion, e.Message);
        }
        catch (FormatException e)
        {
            return new ArchiveResponse(UnsupportedVersion, $"the request cannot be read: {e.Message}");
        }
    }

    // The client sends nothing after its request: an end of its stream means that it is gone. Its work must end then, because
    // PostgreSQL uses the same destination name for the next file it asks for.
    static async Task CancelWhenGoneAsync(Socket client, CancellationTokenSource abandoned)
    {
        try
        {
            await client.ReceiveAsync(new byte[1], abandoned.Token);
            await abandoned.CancelAsync();
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            await abandoned.CancelAsync();
        }
    }

    async Task<string> ReadRequestAsync(Socket client)
    {
        var buffer = new byte[ArchiveRequest.LargestBytes];
        for (var length = 0; length < buffer.Length;)
        {
            var read = await client.ReceiveAsync(buffer.AsMemory(length), _stopping.Token);
            if (read == 0)
            {
                throw new EndOfStreamException("the connection was closed in the middle of a request");
            }

            length += read;
            if (length >= 2 && buffer[length - 1] == '\n' && buffer[length - 2] == '\n')
            {
                return Encoding.UTF8.GetString(buffer, 0, length);
            }
        }

        throw new FormatException($"the request is longer than {ArchiveRequest.LargestBytes} bytes");
    }

    /// <summary>Stops listening, lets requests that are being answered end or abandon them unacknowledged, removes the socket.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _accepting;
        await Task.WhenAll(_serving.Keys);
        _listener.Dispose();
        if (_lock is not null)
        {
            File.Delete(_path);
            await _lock.DisposeAsync();
        }

        _stopping.Dispose();
    }
}
