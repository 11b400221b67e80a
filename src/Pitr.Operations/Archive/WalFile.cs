using System.Text;
using Microsoft.Win32.SafeHandles;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Wal;
using Pitr.Storage.File;

namespace Pitr.Operations.Archive;

/// <summary>A file of pg_wal, open: what it is, proven by its first bytes, and its content, proven to be of one state of one file.</summary>
sealed class WalFile : IDisposable
{
    // Timeline histories and backup histories are a few hundred bytes; far larger is not what it claims to be.
    const int LargestTextFile = 1 << 20;

    readonly SafeFileHandle _file;

    WalFile(SafeFileHandle file, string path, WalFileName name, FileStamp stamp, WalSegmentHeader? header) =>
        (_file, Path, Name, Stamp, Header) = (file, path, name, stamp, header);

    /// <summary>Where it was opened.</summary>
    public string Path { get; }

    /// <summary>What its name says.</summary>
    public WalFileName Name { get; }

    /// <summary>Which file it is, in the state in which it was opened.</summary>
    public FileStamp Stamp { get; }

    /// <summary>Bytes.</summary>
    public int Length => (int)Stamp.Length;

    /// <summary>What its first page says; null for histories and backup histories.</summary>
    public WalSegmentHeader? Header { get; }

    /// <summary>Opens it and reads its first page.</summary>
    /// <exception cref="RefusedInputException">The file cannot be read, or is not what its name says.</exception>
    public static WalFile Open(string path, WalFileName name)
    {
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, FileOptions.SequentialScan);
            var stamp = FileStamp.Of(file);
            var isSegment = name.Kind is WalFileKind.Segment or WalFileKind.Partial;
            var limit = isSegment ? WalSegmentSize.MaximumBytes : LargestTextFile;
            if (stamp.Length > limit)
            {
                throw new RefusedInputException($"{path} has {stamp.Length} bytes; a file of this kind has at most {limit}");
            }

            return new WalFile(file, path, name, stamp, isSegment ? ReadHeader(file, name, stamp.Length) : null);
        }
        catch (Exception e)
        {
            file?.Dispose();
            throw e is IOException or UnauthorizedAccessException ? Unreadable(path, e) : e is WalSegmentException ? NotWhatItSays(name, e) : e;
        }
    }

    /// <summary>Reads all of it.</summary>
    /// <param name="content">As long as the file.</param>
    /// <exception cref="RefusedInputException">It cannot be read, is not what its name says, or was renamed or written to meanwhile.</exception>
    public void Read(Span<byte> content)
    {
        try
        {
            for (var done = 0; done < content.Length;)
            {
                var read = RandomAccess.Read(_file, content[done..], done);
                done += read > 0 ? read : throw new RefusedInputException($"{Path} shrank while it was read: {done} of {content.Length} bytes");
            }

            RequireUnchanged();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(Path, e);
        }

        RequireText(content);
    }

    // PostgreSQL renames a segment that it no longer needs and then writes later WAL into it. As long as the name leads to the same file, that
    // has not happened to anything that was read.
    void RequireUnchanged()
    {
        if (FileStamp.Of(_file) != Stamp || FileStamp.Of(Path) != Stamp)
        {
            throw new RefusedInputException(
                $"{Path} was renamed, replaced or written to while it was read",
                "nothing was stored; if PostgreSQL still wants it archived, it asks again");
        }
    }

    void RequireText(ReadOnlySpan<byte> content)
    {
        try
        {
            if (Name.Kind == WalFileKind.History)
            {
                TimelineHistory.Parse(Name.Timeline, Encoding.UTF8.GetString(content));
            }
            else if (Header is null)
            {
                BackupHistory.Parse(Encoding.UTF8.GetString(content));
            }
        }
        catch (FormatException e)
        {
            throw NotWhatItSays(Name, e);
        }
    }

    static WalSegmentHeader ReadHeader(SafeFileHandle file, WalFileName name, long length)
    {
        Span<byte> page = stackalloc byte[WalSegmentHeader.Size];
        var header = WalSegmentHeader.Parse(page[..RandomAccess.Read(file, page, 0)]);
        header.RequireMatches(name.Segment!.Value, length);
        return header;
    }

    static RefusedInputException Unreadable(string path, Exception e) => new(
        $"{path} cannot be read: {e.Message}", "pitr must run as a user that can read pg_wal, normally the owner of the cluster", e);

    static RefusedInputException NotWhatItSays(WalFileName name, Exception e) => new(
        $"{name} is not what its name says: {e.Message}",
        "it stays in pg_wal; look at it with pg_waldump, and check that the service name in archive_command is this cluster's",
        e);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
