using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Operations.Files;

/// <summary>
/// The C library's calls for trees of files. Names are bytes that end with a zero, because names of a file system need not be text, and are looked up in an open
/// directory, so that nobody can put a link in the way. Manual pages: openat(2), statx(2), readlinkat(2), mkdirat(2), mknodat(2), symlinkat(2), linkat(2), renameat2(2), unlinkat(2), fchmod(2),
/// fchownat(2), utimensat(2), ftruncate(2), pread(2), pwrite(2), lseek(2), posix_fadvise(2), listxattr(2), getxattr(2), setxattr(2), removexattr(2), opendir(3), readdir(3), getpwuid(3), getgrgid(3).
/// </summary>
static partial class TreeCalls
{
    public const int NotPermitted = 1, NoEntry = 2, AccessDenied = 13, Exists = 17, NotDirectory = 20, InvalidArgument = 22, IsDirectory = 21, OutOfRange = 34, NameTooLong = 36,
        NotImplemented = 38, NoSuchDeviceOrAddress = 6, TooManyLinks = 40, NoData = 61, NotSupported = 95;

    public const int ReadOnly = 0, WriteOnly = 1, ReadWrite = 2, Create = 0x40, Exclusive = 0x80, NonBlocking = 0x800, CloseOnExec = 0x80000, OnlyPath = 0x200000;
    public const int CurrentDirectory = -100, NoFollow = 0x100, EmptyPath = 0x1000, RemoveDirectory = 0x200;
    public const uint NoReplace = 1, Exchange = 2;
    public const int SeekData = 3, SeekHole = 4;
    public const int NotNeeded = 4;
    public const uint BasicStatus = 0x7FF;
    public const int TypeMask = 0xF000, Regular = 0x8000, DirectoryType = 0x4000, Link = 0xA000, Socket = 0xC000, Fifo = 0x1000, CharacterDevice = 0x2000, BlockDevice = 0x6000;

    /// <summary>Offset of the name in struct dirent on 64-bit Linux.</summary>
    public const int DirentName = 19;

    static readonly bool IsArmOrPower = RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64 or Architecture.Ppc64le;

    /// <summary>O_DIRECTORY.</summary>
    public static int OnlyDirectory => IsArmOrPower ? 0x4000 : 0x10000;

    /// <summary>O_NOFOLLOW.</summary>
    public static int NoLinks => IsArmOrPower ? 0x8000 : 0x20000;

    /// <summary>A path, with a zero at its end, that leads to what is open, and to nothing else.</summary>
    public static byte[] PathOf(SafeFileHandle open) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{open.DangerousGetHandle()}\0"));

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    public static partial SafeFileHandle OpenAt(int directory, ReadOnlySpan<byte> name, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    public static partial SafeFileHandle OpenAt(SafeFileHandle directory, ReadOnlySpan<byte> name, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    public static partial int StatX(SafeFileHandle directory, ReadOnlySpan<byte> name, int flags, uint mask, out TreeStatus status);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true)]
    public static partial nint ReadLinkAt(SafeFileHandle directory, ReadOnlySpan<byte> name, Span<byte> target, nint size);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true)]
    public static partial int MakeDirectoryAt(SafeFileHandle directory, ReadOnlySpan<byte> name, uint mode);

    [LibraryImport("libc", EntryPoint = "mknodat", SetLastError = true)]
    public static partial int MakeNodeAt(SafeFileHandle directory, ReadOnlySpan<byte> name, uint mode, ulong device);

    [LibraryImport("libc", EntryPoint = "symlinkat", SetLastError = true)]
    public static partial int MakeLinkAt(ReadOnlySpan<byte> target, SafeFileHandle directory, ReadOnlySpan<byte> name);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true)]
    public static partial int LinkAt(SafeFileHandle from, ReadOnlySpan<byte> oldName, SafeFileHandle to, ReadOnlySpan<byte> newName, int flags);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true)]
    public static partial int RenameAt(SafeFileHandle from, ReadOnlySpan<byte> oldName, SafeFileHandle to, ReadOnlySpan<byte> newName, uint flags);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true)]
    public static partial int UnlinkAt(SafeFileHandle directory, ReadOnlySpan<byte> name, int flags);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    public static partial int SetMode(SafeFileHandle file, uint mode);

    [LibraryImport("libc", EntryPoint = "chmod", SetLastError = true)]
    public static partial int SetModeOf(ReadOnlySpan<byte> path, uint mode);

    [LibraryImport("libc", EntryPoint = "fchownat", SetLastError = true)]
    public static partial int SetOwnerAt(SafeFileHandle directory, ReadOnlySpan<byte> name, uint owner, uint group, int flags);

    /// <param name="directory">Where the name is.</param>
    /// <param name="name">What it is.</param>
    /// <param name="times">Two struct timespec: of the last access and of the last write, seconds and nanoseconds each.</param>
    /// <param name="flags">Whether a link itself is meant.</param>
    [LibraryImport("libc", EntryPoint = "utimensat", SetLastError = true)]
    public static partial int SetTimesAt(SafeFileHandle directory, ReadOnlySpan<byte> name, ReadOnlySpan<long> times, int flags);

    [LibraryImport("libc", EntryPoint = "futimens", SetLastError = true)]
    public static partial int SetTimes(SafeFileHandle file, ReadOnlySpan<long> times);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int SetLength(SafeFileHandle file, long length);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static partial nint Read(SafeFileHandle file, Span<byte> bytes, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(SafeFileHandle file, long offset, int whence);

    /// <summary>Says how a file will be read; returns the error number. <see cref="NotNeeded"/>: what is durable need not be kept in memory any more.</summary>
    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    public static partial int Advise(SafeFileHandle file, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    public static partial int SyncFileSystem(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "flistxattr", SetLastError = true)]
    public static partial nint ListAttributes(SafeFileHandle file, Span<byte> names, nint size);

    [LibraryImport("libc", EntryPoint = "fgetxattr", SetLastError = true)]
    public static partial nint GetAttribute(SafeFileHandle file, ReadOnlySpan<byte> name, Span<byte> value, nint size);

    [LibraryImport("libc", EntryPoint = "fsetxattr", SetLastError = true)]
    public static partial int SetAttribute(SafeFileHandle file, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, nint size, int flags);

    [LibraryImport("libc", EntryPoint = "fremovexattr", SetLastError = true)]
    public static partial int RemoveAttribute(SafeFileHandle file, ReadOnlySpan<byte> name);

    [LibraryImport("libc", EntryPoint = "llistxattr", SetLastError = true)]
    public static partial nint ListAttributesOf(ReadOnlySpan<byte> path, Span<byte> names, nint size);

    [LibraryImport("libc", EntryPoint = "lgetxattr", SetLastError = true)]
    public static partial nint GetAttributeOf(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, Span<byte> value, nint size);

    [LibraryImport("libc", EntryPoint = "lsetxattr", SetLastError = true)]
    public static partial int SetAttributeOf(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, nint size, int flags);

    [LibraryImport("libc", EntryPoint = "dup", SetLastError = true)]
    public static partial int Duplicate(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "fdopendir", SetLastError = true)]
    public static partial nint OpenDirectoryStream(int descriptor);

    /// <summary>Zero at the end and on error; errno, which the marshaller clears before the call, tells them apart.</summary>
    [LibraryImport("libc", EntryPoint = "readdir", SetLastError = true)]
    public static partial nint ReadDirectory(nint stream);

    [LibraryImport("libc", EntryPoint = "closedir", SetLastError = true)]
    public static partial int CloseDirectoryStream(nint stream);

    /// <summary>Returns the error number.</summary>
    [LibraryImport("libc", EntryPoint = "getpwuid_r")]
    public static partial int UserByNumber(uint number, Span<byte> entry, Span<byte> buffer, nint size, out nint result);

    /// <summary>Returns the error number.</summary>
    [LibraryImport("libc", EntryPoint = "getgrgid_r")]
    public static partial int GroupByNumber(uint number, Span<byte> entry, Span<byte> buffer, nint size, out nint result);

    /// <summary>Returns the error number.</summary>
    [LibraryImport("libc", EntryPoint = "getpwnam_r", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int UserByName(string name, Span<byte> entry, Span<byte> buffer, nint size, out nint result);

    /// <summary>Returns the error number.</summary>
    [LibraryImport("libc", EntryPoint = "getgrnam_r", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int GroupByName(string name, Span<byte> entry, Span<byte> buffer, nint size, out nint result);
}
