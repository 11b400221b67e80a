using System.Buffers;
using Pitr.Format.Manifests;

namespace Pitr.Operations.Backup;

/// <summary>
/// Cuts files into records for the pipeline: pieces of large ones, several small ones in one, changed pages only. For one thread; several of
/// them may fill one backup.
/// </summary>
sealed class FilePacker(ManifestAssembly assembly) : IDisposable
{
    readonly byte[] _scratch = ArrayPool<byte>.Shared.Rent(RecordDraft.Capacity);
    RecordDraft _draft = new();

    /// <summary>Packs one file as it is.</summary>
    public async Task AddAsync(PendingEntry entry, IFileContent content, CancellationToken cancellation)
    {
        for (var left = content.Length; left > 0;)
        {
            // Whole records of a large file are never mixed with others; only its rest shares one with small files.
            var length = (int)Math.Min(left, RecordDraft.Capacity);
            await EnsureRoomAsync(length);
            var room = _draft.Room(length);
            var read = await ReadAsync(content, room, cancellation);
            if (read == 0)
            {
                return;
            }

            if (room.Span[..read].IndexOfAnyExcept((byte)0) < 0)
            {
                entry.AddZeros(read);
            }
            else
            {
                _draft.Append(entry, read);
            }

            left = read < length ? 0 : left - read;
            assembly.Count(read, 0);
        }
    }

    /// <summary>Packs those pages of a relation's file that the base does not have.</summary>
    public async Task AddPagesAsync(PendingEntry entry, IFileContent content, PageScan scan, CancellationToken cancellation)
    {
        var length = RecordDraft.Capacity / scan.PageSize * scan.PageSize;
        for (long offset = 0, left = content.Length; left >= scan.PageSize;)
        {
            var wanted = (int)Math.Min(left, length);
            // What is not a whole page was cut off, or is being added, at this moment; recovery does it again.
            var read = await ReadAsync(content, _scratch.AsMemory(0, wanted), cancellation) / scan.PageSize * scan.PageSize;
            if (read == 0)
            {
                return;
            }

            await AddPagesAsync(entry, _scratch.AsMemory(0, read), offset, scan);
            offset += read;
            left = read < wanted ? 0 : left - read;
        }
    }

    /// <summary>Packs pages that are stored already, or zeros, without reading them.</summary>
    public void AddStored(PendingEntry entry, IReadOnlyList<ManifestRun> stored)
    {
        foreach (var run in stored)
        {
            if (run.IsZeros)
            {
                entry.AddZeros(run.Length);
            }
            else
            {
                entry.AddStored(run);
                assembly.Use(run);
            }

            assembly.Count(run.Length, run.IsZeros ? 0 : run.Length);
        }
    }

    /// <summary>Packs one relation's file, of which only those pages are read that may have changed.</summary>
    public async Task AddPagesAsync(PendingEntry entry, IFileContent content, PageScan scan, KnownPages known, CancellationToken cancellation)
    {
        var stored = new List<ManifestRun>();
        for (var offset = 0L; offset < content.Length;)
        {
            var length = known.FindNext(offset, content.Length, stored);
            if (stored.Count > 0)
            {
                AddStored(entry, stored);
            }
            else if (!await ReadPagesAsync(entry, content, scan, offset, length, cancellation))
            {
                return;
            }

            offset += length;
        }
    }

    // False when the file ends before: it was cut off meanwhile, and recovery does it again.
    async Task<bool> ReadPagesAsync(PendingEntry entry, IFileContent content, PageScan scan, long offset, long length, CancellationToken cancellation)
    {
        for (var left = length; left > 0;)
        {
            var wanted = (int)Math.Min(left, RecordDraft.Capacity / scan.PageSize * scan.PageSize);
            if (assembly.Limit is { } limit)
            {
                await limit.TakeAsync(wanted, cancellation);
            }

            cancellation.ThrowIfCancellationRequested();
            var read = content.ReadAgain(offset, _scratch.AsSpan(0, wanted)) / scan.PageSize * scan.PageSize;
            await AddPagesAsync(entry, _scratch.AsMemory(0, read), offset, scan);
            if (read < wanted)
            {
                return false;
            }

            offset += read;
            left -= read;
        }

        return true;
    }

    async ValueTask AddPagesAsync(PendingEntry entry, Memory<byte> pages, long offset, PageScan scan)
    {
        var reused = 0L;
        var copied = 0..0;
        for (var at = 0; at < pages.Length; at += scan.PageSize)
        {
            var fate = scan.Look(pages.Span.Slice(at, scan.PageSize), offset + at);
            if (fate == PageFate.Copy)
            {
                copied = copied.Start.Value..(at + scan.PageSize);
                continue;
            }

            await CopyAsync(entry, pages[copied], scan.PageSize);
            copied = (at + scan.PageSize)..(at + scan.PageSize);
            if (fate == PageFate.Zeros)
            {
                entry.AddZeros(scan.PageSize);
                continue;
            }

            reused += scan.PageSize;
            foreach (var run in scan.Stored)
            {
                entry.AddStored(run);
                assembly.Use(run);
            }
        }

        await CopyAsync(entry, pages[copied], scan.PageSize);
        assembly.Count(pages.Length, reused);
    }

    // Single pages fill records up to their end, so that a few changed pages of many files become few records.
    async ValueTask CopyAsync(PendingEntry entry, ReadOnlyMemory<byte> pages, int pageSize)
    {
        while (pages.Length > 0)
        {
            if (_draft.Free < pageSize)
            {
                await FlushAsync();
            }

            var length = Math.Min(pages.Length, _draft.Free / pageSize * pageSize);
            pages[..length].CopyTo(_draft.Room(length));
            _draft.Append(entry, length);
            pages = pages[length..];
        }
    }

    async ValueTask<int> ReadAsync(IFileContent content, Memory<byte> buffer, CancellationToken cancellation)
    {
        if (assembly.Limit is { } limit)
        {
            await limit.TakeAsync(buffer.Length, cancellation);
        }

        return await content.ReadAsync(buffer, cancellation);
    }

    async ValueTask EnsureRoomAsync(int length)
    {
        if (_draft.Free < length)
        {
            await FlushAsync();
        }
    }

    /// <summary>After a file: hands a record over that others wait for, though it is not full.</summary>
    public ValueTask FlushIfHeldUpAsync() => assembly.IsHeldUp ? FlushAsync() : ValueTask.CompletedTask;

    /// <summary>Hands what is left to the pipeline.</summary>
    public async ValueTask FlushAsync()
    {
        if (_draft.Length > 0)
        {
            await assembly.Pipeline.AddAsync(_draft);
            _draft = new RecordDraft();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => ArrayPool<byte>.Shared.Return(_scratch);
}
