using System.Runtime.InteropServices;
using System.Text;

namespace Pitr.ArchiveCommand;

/// <summary>One question to the agent over its Unix socket, and its answer (docs/agent-protocol.md).</summary>
readonly unsafe ref struct AgentConversation
{
    readonly int _socket;
    readonly long _deadline;

    AgentConversation(int socket, long deadline)
    {
        _socket = socket;
        _deadline = deadline;
    }

    /// <summary>Asks and waits for the whole answer, for at most <paramref name="timeoutSeconds"/> in all.</summary>
    internal static AgentReply Ask(string socketPath, ReadOnlySpan<byte> request, int timeoutSeconds)
    {
        var deadline = Environment.TickCount64 + (timeoutSeconds * 1000L);
        var socket = Libc.socket(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0);
        if (socket < 0)
        {
            return new AgentReply(AgentOutcome.Unreachable, Errno: Marshal.GetLastPInvokeError());
        }

        var reply = new AgentConversation(socket, deadline).Run(socketPath, request);
        Libc.close(socket);
        return reply;
    }

    AgentReply Run(string socketPath, ReadOnlySpan<byte> request)
    {
        if (Connect(socketPath) is var errno and not 0)
        {
            return new AgentReply(
                errno switch
                {
                    Libc.ENOENT or Libc.ENOTDIR => AgentOutcome.Absent,
                    // A full queue of waiting connections: an agent that lives but does not accept.
                    Libc.EAGAIN => AgentOutcome.TimedOut,
                    _ => AgentOutcome.Unreachable,
                },
                Errno: errno);
        }

        Libc.PeerCredentials peer;
        var length = (uint)sizeof(Libc.PeerCredentials);
        if (Libc.getsockopt(_socket, Libc.SOL_SOCKET, Libc.SO_PEERCRED, &peer, &length) != 0)
        {
            return new AgentReply(AgentOutcome.Unreachable, Errno: Marshal.GetLastPInvokeError());
        }

        if (!PeerTrust.IsTrusted(peer.UserId, Libc.geteuid()))
        {
            return new AgentReply(AgentOutcome.Untrusted, PeerProcessId: peer.ProcessId, PeerUserId: peer.UserId);
        }

        // A request that could not be sent may still have been answered: an agent of another version need not read it to its end.
        var sendError = Send(request);
        var reply = Receive();
        return reply.Outcome == AgentOutcome.BrokenOff && sendError == Libc.EAGAIN
            ? new AgentReply(AgentOutcome.TimedOut, PeerProcessId: peer.ProcessId)
            : reply with { PeerProcessId = peer.ProcessId };
    }

    /// <returns>0 or errno; EAGAIN if nobody accepted in time.</returns>
    int Connect(string path)
    {
        Libc.UnixAddress address = default;
        address.Family = Libc.AF_UNIX;
        if (Encoding.UTF8.GetByteCount(path) > Libc.UnixAddress.MaximumPath)
        {
            return Libc.ENAMETOOLONG;
        }

        var bytes = Encoding.UTF8.GetBytes(path, new Span<byte>(address.Path, Libc.UnixAddress.MaximumPath));
        // A name that begins with NUL is in no file system, and ends where the length says: unix(7).
        var length = path.StartsWith('\0') ? sizeof(ushort) + bytes : sizeof(Libc.UnixAddress);
        while (true)
        {
            // Bounds connect(2) and send(2) alike, socket(7).
            var left = RemainingMilliseconds();
            var timeout = new Libc.TimeValue { Seconds = left / 1000, Microseconds = left % 1000 * 1000 };
            if (Libc.setsockopt(_socket, Libc.SOL_SOCKET, Libc.SO_SNDTIMEO, &timeout, (uint)sizeof(Libc.TimeValue)) != 0)
            {
                return Marshal.GetLastPInvokeError();
            }

            if (Libc.connect(_socket, &address, (uint)length) == 0)
            {
                return 0;
            }

            var errno = Marshal.GetLastPInvokeError();
            if (errno != Libc.EINTR)
            {
                return errno;
            }
        }
    }

    /// <returns>0 or errno; EAGAIN if it could not be sent in time.</returns>
    int Send(ReadOnlySpan<byte> request)
    {
        fixed (byte* start = request)
        {
            for (nint done = 0; done < request.Length;)
            {
                var sent = Libc.send(_socket, start + done, (nuint)(request.Length - done), Libc.MSG_NOSIGNAL);
                if (sent >= 0)
                {
                    done += sent;
                }
                else if (Marshal.GetLastPInvokeError() is var errno and not Libc.EINTR)
                {
                    return errno;
                }
            }
        }

        return 0;
    }

    AgentReply Receive()
    {
        var buffer = stackalloc byte[AgentAnswer.MaximumLength];
        var used = 0;
        while (used < AgentAnswer.MaximumLength)
        {
            var poll = new Libc.PollDescriptor { Descriptor = _socket, Events = Libc.POLLIN };
            var ready = Libc.poll(&poll, 1, RemainingMilliseconds());
            if (ready == 0)
            {
                return new AgentReply(AgentOutcome.TimedOut);
            }

            var received = ready < 0 ? -1 : Libc.recv(_socket, buffer + used, (nuint)(AgentAnswer.MaximumLength - used), 0);
            if (received < 0)
            {
                if (Marshal.GetLastPInvokeError() is var errno and not Libc.EINTR)
                {
                    return new AgentReply(AgentOutcome.BrokenOff, Errno: errno);
                }

                continue;
            }

            if (received == 0)
            {
                return new AgentReply(AgentOutcome.BrokenOff);
            }

            used += (int)received;
            var soFar = new ReadOnlySpan<byte>(buffer, used);
            if (AgentAnswer.IsWhole(soFar))
            {
                return AgentAnswer.Parse(soFar) is { } answer
                    ? new AgentReply(AgentOutcome.Answered, answer)
                    : new AgentReply(AgentOutcome.Unreadable);
            }
        }

        return new AgentReply(AgentOutcome.Unreadable);
    }

    /// <summary>At least 1: 0 would mean "for ever" to SO_SNDTIMEO.</summary>
    int RemainingMilliseconds() => (int)Math.Max(1, _deadline - Environment.TickCount64);
}
