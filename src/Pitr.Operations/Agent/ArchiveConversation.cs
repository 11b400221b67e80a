using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Serilog;

namespace Pitr.Operations.Agent;

/// <summary>One connection of docs/agent-protocol.md: who asks, the request, the answer.</summary>
sealed partial class ArchiveConversation(
    Socket client, ArchiveSocketLimits limits, Func<ArchiveRequest, CancellationToken, Task<ArchiveResponse>> handle, TimeProvider clock, ILogger log)
{
    const int UnsupportedVersion = 64;
    const uint Root = 0;

    /// <summary>Reads, works, answers. Without an answer nothing was acknowledged, and PostgreSQL asks again.</summary>
    /// <param name="refusal">Answered instead of doing the work, if not null.</param>
    /// <param name="cancellation">Abandons the work unanswered.</param>
    public async Task RunAsync(string? refusal, CancellationToken cancellation)
    {
        try
        {
            var response = refusal is null ? await AnswerAsync(cancellation) : new ArchiveResponse(UnsupportedVersion, refusal);
            using var patience = Patience(CancellationToken.None);
            await client.SendAsync(response.ToBytes(), patience.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or EndOfStreamException)
        {
            // The client went away, kept us waiting, or we are stopping.
            log.Debug(e, "a connection ended before its answer");
        }
    }

    async Task<ArchiveResponse> AnswerAsync(CancellationToken cancellation)
    {
        try
        {
            // The socket's mode already keeps others out, unless systemd was told to make one that does not.
            if (PeerUserId() is var user && user != GetEffectiveUserId() && user != Root)
            {
                return new ArchiveResponse(UnsupportedVersion, $"this agent does not work for user id {user}: a request names files that are read and written with the agent's rights");
            }

            var request = ArchiveRequest.Parse(await ReadRequestAsync(cancellation));
            using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var watching = CancelWhenGoneAsync(abandoned);
            try
            {
                return await handle(request, abandoned.Token);
            }
            finally
            {
                await abandoned.CancelAsync();
                await watching;
            }
        }
        catch (NotSupportedException e)
        {
            // Its user's log says so too, but who looks for the reason why the agent has nothing to do looks here.
            log.Warning("a client was declined and does its work without the agent: {Message}", e.Message);
            return new ArchiveResponse(UnsupportedVersion, e.Message);
        }
        catch (FormatException e)
        {
            return new ArchiveResponse(UnsupportedVersion, $"the request cannot be read: {e.Message}");
        }
    }

    // The client sends nothing after its request: an end of its stream means that it is gone. Its work must end then, because
    // PostgreSQL uses the same destination name for the next file it asks for.
    async Task CancelWhenGoneAsync(CancellationTokenSource abandoned)
    {
        // Ends by a cancellation at every answer, which shall cost no exception.
        var received = client.ReceiveAsync(new byte[1], abandoned.Token).AsTask();
        await ((Task)received).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await abandoned.CancelAsync();
    }

    async Task<string> ReadRequestAsync(CancellationToken cancellation)
    {
        using var patience = Patience(cancellation);
        var buffer = new byte[ArchiveRequest.LargestBytes];
        for (var length = 0; length < buffer.Length;)
        {
            var read = await client.ReceiveAsync(buffer.AsMemory(length), patience.Token);
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

    LimitedWait Patience(CancellationToken cancellation) => new(limits.Request, clock, cancellation);

    // unix(7), SO_PEERCRED: struct ucred { pid, uid, gid } of whoever called connect.
    uint PeerUserId()
    {
        const int socketLevel = 1;
        const int peerCredentials = 17;
        Span<byte> credentials = stackalloc byte[12];
        client.GetRawSocketOption(socketLevel, peerCredentials, credentials);
        return MemoryMarshal.Read<uint>(credentials[4..]);
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();

    /// <summary>A token that ends with another one, or after a while.</summary>
    readonly struct LimitedWait : IDisposable
    {
        readonly CancellationTokenSource _deadline;
        readonly CancellationTokenSource _linked;

        public LimitedWait(TimeSpan limit, TimeProvider clock, CancellationToken cancellation)
        {
            _deadline = new CancellationTokenSource(limit, clock);
            _linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _deadline.Token);
        }

        public CancellationToken Token => _linked.Token;

        public void Dispose()
        {
            _linked.Dispose();
            _deadline.Dispose();
        }
    }
}
