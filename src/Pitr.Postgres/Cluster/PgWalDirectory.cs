using Pitr.Format.Wal;
using Pitr.Postgres.Wal;

namespace Pitr.Postgres.Cluster;

/// <summary>
/// Looks into pg_wal without the server: how much lies there, how far it is written, and what waits for the archiver. Nothing is opened
/// for writing and nothing locked, so it may be done at any time; files that vanish meanwhile are left out.
/// </summary>
/// <param name="dataDirectory">The cluster's data directory.</param>
/// <param name="size">The cluster's segment size, from its control file.</param>
/// <param name="clock">Source of time.</param>
public sealed class PgWalDirectory(string dataDirectory, WalSegmentSize size, TimeProvider clock)
{
    const string ReadySuffix = ".ready";
    const string DoneSuffix = ".done";

    readonly string _path = Path.Combine(dataDirectory, "pg_wal");

    string StatusPath => Path.Combine(_path, "archive_status");

    /// <summary>Looks at all of it.</summary>
    /// <exception cref="ServerException">The directory is not there or cannot be read.</exception>
    public PgWalContent Read()
    {
        try
        {
            return Look();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ServerException($"cannot look into {_path}: {e.Message}", "run as the user that owns the data directory", e);
        }
    }

    /// <summary>When a segment was completed, as far as its file in archive_status still tells; null when that is gone.</summary>
    public DateTimeOffset? CompletedAt(WalSegmentName segment)
    {
        // The archiver renames .ready to .done, which leaves the time as it was.
        var file = new FileInfo(Path.Combine(StatusPath, segment + DoneSuffix));
        file = file.Exists ? file : new FileInfo(Path.Combine(StatusPath, segment + ReadySuffix));
        return file.Exists ? new DateTimeOffset(file.LastWriteTimeUtc, TimeSpan.Zero) : null;
    }

    PgWalContent Look()
    {
        var bytes = 0L;
        var segments = new List<WalSegmentName>();
        foreach (var file in new DirectoryInfo(_path).EnumerateFiles())
        {
            if (TryGetLength(file) is not { } length)
            {
                continue;
            }

            bytes += length;
            if (WalSegmentName.TryParse(file.Name, out var name) && name.IsValidFor(size))
            {
                segments.Add(name);
            }
        }

        segments.Sort((left, right) => right.CompareTo(left));
        var (written, prepared) = FindLastWritten(segments);
        var (ready, oldest, since) = LookAtStatus();
        var disk = new DriveInfo(_path);
        return new PgWalContent(
            clock.GetUtcNow(),
            bytes,
            segments.Count,
            prepared,
            written?.Timeline,
            written is { } last ? WrittenTo(last) : null,
            ready,
            oldest,
            since,
            disk.AvailableFreeSpace,
            disk.TotalSize);
    }

    // Prepared segments are named for later but hold the pages they held before, or none.
    (WalSegmentName? Written, int Prepared) FindLastWritten(List<WalSegmentName> newestFirst)
    {
        for (var i = 0; i < newestFirst.Count; i++)
        {
            using var file = TryOpen(newestFirst[i]);
            if (file is not null && IsWritten(file, newestFirst[i], 0))
            {
                return (newestFirst[i], i);
            }
        }

        return (null, newestFirst.Count);
    }

    Lsn? WrittenTo(WalSegmentName segment)
    {
        var start = segment.StartLsn(size);
        if (CompletedAt(segment) is not null)
        {
            // Complete, though behind a switch there are only zeros.
            return start + (ulong)size.Bytes;
        }

        using var file = TryOpen(segment);
        if (file is null)
        {
            return null;
        }

        // Pages are written in order: the last that says where it is ends what is written.
        var (low, high) = (0, size.Bytes / BlockSize(file));
        while (high - low > 1)
        {
            var middle = low + ((high - low) / 2);
            (low, high) = IsWritten(file, segment, middle) ? (middle, high) : (low, middle);
        }

        return start + ((ulong)(low + 1) * (ulong)BlockSize(file));
    }

    bool IsWritten(FileStream file, WalSegmentName segment, int page)
    {
        Span<byte> header = stackalloc byte[WalPage.LongHeaderSize];
        var offset = page == 0 ? 0 : (long)page * BlockSize(file);
        return RandomAccess.Read(file.SafeFileHandle, header, offset) == header.Length
            && WalVersion.TryGetMajor(WalPage.Magic(header), out _)
            && WalPage.Address(header) == segment.StartLsn(size).Value + (ulong)offset;
    }

    static int BlockSize(FileStream file)
    {
        Span<byte> header = stackalloc byte[WalPage.LongHeaderSize];
        RandomAccess.Read(file.SafeFileHandle, header, 0);
        var block = WalPage.BlockSize(header);
        return block is >= 1024 and <= 65536 ? (int)block : 8192;
    }

    FileStream? TryOpen(WalSegmentName segment)
    {
        try
        {
            return new FileStream(Path.Combine(_path, segment.ToString()), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        }
        catch (FileNotFoundException)
        {
            // Recycled in this moment.
            return null;
        }
    }

    (int Ready, WalSegmentName? Oldest, DateTimeOffset? Since) LookAtStatus()
    {
        var (ready, oldest, since) = (0, (WalSegmentName?)null, (DateTimeOffset?)null);
        foreach (var file in new DirectoryInfo(StatusPath).EnumerateFiles("*" + ReadySuffix))
        {
            if (!file.Exists)
            {
                continue;
            }

            ready++;
            var time = new DateTimeOffset(file.LastWriteTimeUtc, TimeSpan.Zero);
            since = since is null || time < since ? time : since;
            if (WalFileName.TryParse(file.Name[..^ReadySuffix.Length], out var name) && name is { Kind: WalFileKind.Segment, Segment: { } segment })
            {
                oldest = oldest is null || segment < oldest ? segment : oldest;
            }
        }

        return (ready, oldest, since);
    }

    static long? TryGetLength(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }
}
