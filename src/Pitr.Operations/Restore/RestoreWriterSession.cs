using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Operations.Restore;

/// <summary>One thread's writing into a <see cref="RestoreWriter"/>: keeps a few files open, as the runs of a pack mostly go from file to file.</summary>
sealed class RestoreWriterSession(RestoreWriter writer) : IRunWriter, IDisposable
{
    const int MostOpen = 16;

    // PostgreSQL's usual page; what differs within one is written whole.
    const int CompareSize = 8192;

    // The device works while the next records are decoded, instead of having everything to do at the end. Less than this is left to the end: the
    // kernel puts what is small together better than many calls would.
    const int WrittenOutAtOnce = 64 << 10;

    readonly (int File, SafeFileHandle Handle)?[] _open = new (int, SafeFileHandle)?[MostOpen];
    int _next;

    /// <summary>Puts bytes to their place, unless they are there already.</summary>
    public void Write(in SpooledRun run, ReadOnlySpan<byte> bytes)
    {
        if (writer.TryHoldBack(run, bytes))
        {
            return;
        }

        var handle = Open(run.File);
        var kept = 0L;
        if (writer.MayKeep(run.File))
        {
            kept = WriteDifferent(handle, run.Offset, bytes);
        }
        else
        {
            RandomAccess.Write(handle, bytes, run.Offset);
            if (bytes.Length >= WrittenOutAtOnce)
            {
                LibC.StartWriteOut(handle, run.Offset, bytes.Length);
            }
        }

        CountDown(run.File, handle, kept);
    }

    /// <summary>Makes a part of a file zeros. In a new file it is.</summary>
    public void WriteZeros(in SpooledRun run)
    {
        var handle = Open(run.File);
        var kept = 0L;
        if (writer.MayKeep(run.File))
        {
            Span<byte> zeros = stackalloc byte[CompareSize];
            zeros.Clear();
            for (var at = 0L; at < run.Length; at += CompareSize)
            {
                kept += WriteDifferent(handle, run.Offset + at, zeros[..(int)Math.Min(CompareSize, run.Length - at)]);
            }
        }

        CountDown(run.File, handle, kept);
    }

    public void Dispose()
    {
        foreach (var open in _open)
        {
            open?.Handle.Dispose();
        }
    }

    SafeFileHandle Open(int file)
    {
        for (var i = 0; i < MostOpen; i++)
        {
            if (_open[i] is { } open && open.File == file)
            {
                return open.Handle;
            }
        }

        _open[_next]?.Handle.Dispose();
        _open[_next] = null;
        var handle = writer.Open(file);
        _open[_next] = (file, handle);
        _next = (_next + 1) % MostOpen;
        return handle;
    }

    void CountDown(int file, SafeFileHandle handle, long kept)
    {
        if (!writer.CountDown(file, handle, kept))
        {
            return;
        }

        var place = Array.FindIndex(_open, o => o?.File == file);
        _open[place]?.Handle.Dispose();
        _open[place] = null;
    }

    // Reading what is there costs less than writing it again, and pages that stay as they are need not be made durable.
    static long WriteDifferent(SafeFileHandle handle, long offset, ReadOnlySpan<byte> bytes)
    {
        var found = ArrayPool<byte>.Shared.Rent(bytes.Length);
        try
        {
            var length = ReadUpTo(handle, found.AsSpan(0, bytes.Length), offset);
            var kept = 0L;
            for (var at = 0; at < bytes.Length;)
            {
                var end = at;
                while (end < bytes.Length && !IsSame(bytes, found, length, end))
                {
                    end = Math.Min(bytes.Length, end + CompareSize);
                }

                if (end > at)
                {
                    RandomAccess.Write(handle, bytes[at..end], offset + at);
                }

                at = end;
                while (at < bytes.Length && IsSame(bytes, found, length, at))
                {
                    var size = Math.Min(CompareSize, bytes.Length - at);
                    kept += size;
                    at += size;
                }
            }

            return kept;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(found);
        }
    }

    static bool IsSame(ReadOnlySpan<byte> bytes, byte[] found, int length, int at)
    {
        var size = Math.Min(CompareSize, bytes.Length - at);
        return at + size <= length && bytes.Slice(at, size).SequenceEqual(found.AsSpan(at, size));
    }

    static int ReadUpTo(SafeFileHandle handle, Span<byte> destination, long offset)
    {
        var length = 0;
        while (length < destination.Length && RandomAccess.Read(handle, destination[length..], offset + length) is > 0 and var read)
        {
            length += read;
        }

        return length;
    }
}
