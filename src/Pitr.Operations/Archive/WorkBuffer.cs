using System.Runtime.InteropServices;

namespace Pitr.Operations.Archive;

/// <summary>
/// Memory for a whole segment, mapped by itself (mmap(2)): the collector neither moves nor counts it, and once freed it is back with the system.
/// In large pages, where the system has them: a segment is read, compressed and fingerprinted from one end to the other.
/// </summary>
sealed unsafe partial class WorkBuffer : IDisposable
{
    const int ReadWrite = 3; // PROT_READ | PROT_WRITE
    const int PrivateAnonymous = 0x22; // MAP_PRIVATE | MAP_ANONYMOUS
    const int HugePages = 14; // MADV_HUGEPAGE

    byte* _start;

    /// <param name="length">Bytes, zeros at first.</param>
    /// <exception cref="IOException">There is no such room.</exception>
    public WorkBuffer(int length)
    {
        var start = Map(0, (nuint)Math.Max(1, length), ReadWrite, PrivateAnonymous, -1, 0);
        if (start == -1)
        {
            throw new IOException($"no memory for {length} bytes: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        _start = (byte*)start;
        Length = length;
        // Advice only: not every kernel takes it.
        _ = Advise(start, (nuint)Math.Max(1, length), HugePages);
    }

    ~WorkBuffer() => Free();

    /// <summary>Bytes.</summary>
    public int Length { get; }

    /// <summary>The bytes, as whoever used them before left them. Not to be used after <see cref="Dispose"/>.</summary>
    public Span<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_start is null, this);
            return new Span<byte>(_start, Length);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    void Free()
    {
        if (_start is not null)
        {
            _ = Unmap((nint)_start, (nuint)Math.Max(1, Length));
            _start = null;
        }
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static partial int Advise(nint address, nuint length, int advice);
}
