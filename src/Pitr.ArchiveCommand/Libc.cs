using System.Runtime.InteropServices;

namespace Pitr.ArchiveCommand;

/// <summary>
/// The system calls of the hot path, straight from the C library: the socket and process classes of the base library cost more time to
/// start than the whole conversation takes. Constants as on Linux x86-64, arm64, riscv64 (asm-generic/socket.h).
/// </summary>
static unsafe partial class Libc
{
    internal const int AF_UNIX = 1;
    internal const int SOCK_STREAM = 1;
    internal const int SOCK_CLOEXEC = 0x80000;
    internal const int SOL_SOCKET = 1;
    internal const int SO_PEERCRED = 17;
    internal const int SO_SNDTIMEO = 21;
    internal const int MSG_NOSIGNAL = 0x4000;
    internal const short POLLIN = 1;
    internal const int F_OK = 0;

    internal const int EPERM = 1;
    internal const int ENOENT = 2;
    internal const int EINTR = 4;
    internal const int EAGAIN = 11;
    internal const int EACCES = 13;
    internal const int ENOTDIR = 20;
    internal const int ENAMETOOLONG = 36;
    internal const int ECONNREFUSED = 111;

    /// <summary>getsockopt(2) SO_PEERCRED, unix(7).</summary>
    internal struct PeerCredentials
    {
        internal int ProcessId;
        internal uint UserId;
        internal uint GroupId;
    }

    /// <summary>struct timeval, 64 bits.</summary>
    internal struct TimeValue
    {
        internal nint Seconds;
        internal nint Microseconds;
    }

    /// <summary>poll(2).</summary>
    internal struct PollDescriptor
    {
        internal int Descriptor;
        internal short Events;
        internal short ReturnedEvents;
    }

    /// <summary>unix(7): a path of at most 107 bytes and its NUL.</summary>
    internal struct UnixAddress
    {
        internal const int MaximumPath = 107;
        internal ushort Family;
        internal fixed byte Path[MaximumPath + 1];
    }

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int connect(int descriptor, UnixAddress* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int setsockopt(int descriptor, int level, int name, TimeValue* value, uint length);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int getsockopt(int descriptor, int level, int name, PeerCredentials* value, uint* length);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint send(int descriptor, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint recv(int descriptor, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int poll(PollDescriptor* descriptors, nuint count, int milliseconds);

    [LibraryImport("libc")]
    internal static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint write(int descriptor, byte* buffer, nuint length);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int access(string path, int mode);

    [LibraryImport("libc")]
    internal static partial uint geteuid();

    [LibraryImport("libc", SetLastError = true)]
    internal static partial byte* getcwd(byte* buffer, nuint size);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial byte* getenv(string name);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint readlink(string path, byte* buffer, nuint size);

    /// <summary>execve(2) with the environment of this process; returns only on failure. No PATH search, no shell for non-programs.</summary>
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int execv(string path, byte** arguments);
}
