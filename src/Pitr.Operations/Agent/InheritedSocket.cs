using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Agent;

/// <summary>The listening socket that systemd hands over (socket activation, sd_listen_fds(3)).</summary>
public static partial class InheritedSocket
{
    const int FirstDescriptor = 3; // SD_LISTEN_FDS_START
    const int SetDescriptorFlags = 2; // F_SETFD of fcntl(2)
    const int CloseOnExec = 1; // FD_CLOEXEC

    /// <summary>Takes descriptor 3 if LISTEN_PID and LISTEN_FDS say that it is meant for this process.</summary>
    /// <param name="variable">Gives the value of an environment variable, or null.</param>
    /// <param name="processId">Of this process.</param>
    /// <returns>The socket, or null when none was handed over.</returns>
    /// <exception cref="RefusedInputException">More than one was handed over, or one that no client can ask.</exception>
    public static Socket? Take(Func<string, string?> variable, int processId)
    {
        if (variable("LISTEN_PID") != processId.ToString(CultureInfo.InvariantCulture)
            || !int.TryParse(variable("LISTEN_FDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            || count == 0)
        {
            return null;
        }

        if (count > 1)
        {
            throw new RefusedInputException($"{count} sockets were handed over, the agent serves one", "the .socket unit must have a single ListenStream=");
        }

        // The programs that the agent starts (ssh, curl) must not keep it.
        _ = SetDescriptor(FirstDescriptor, SetDescriptorFlags, CloseOnExec);
        return RequireListening(FirstDescriptor);
    }

    static Socket RequireListening(int descriptor)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
            if (socket is { AddressFamily: AddressFamily.Unix, SocketType: SocketType.Stream, LocalEndPoint: UnixDomainSocketEndPoint }
                && socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.AcceptConnection) is not 0)
            {
                return socket;
            }
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            throw Refused(e);
        }

        socket.Dispose();
        throw Refused(null);
    }

    static RefusedInputException Refused(Exception? cause) => new(
        "what was handed over as socket is no listening Unix stream socket", "the .socket unit must have ListenStream=/run/pitr/agent.sock and Accept=no", cause);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int SetDescriptor(int descriptor, int command, nint argument);
}
