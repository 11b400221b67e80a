using System.Formats.Tar;
using System.Runtime.CompilerServices;

namespace Pitr.Postgres.BaseBackup;

/// <summary>
/// Reads the tar that pg_basebackup writes, as it arrives; nothing is held in memory or on disk. Understands what PostgreSQL writes
/// (ustar with GNU base-256 sizes above 8 GiB, src/port/tar.c) as well as GNU and pax long names.
/// </summary>
/// <param name="source">Read to its very end, so that its writer is never cut off. Not disposed.</param>
public sealed class BaseBackupTarReader(Stream source)
{
    /// <summary>
    /// The entries in the order of the tar. Each one's <see cref="TarEntry.Data"/> must be read before the next is asked for.
    /// </summary>
    /// <exception cref="ServerException">The tar is damaged, ends early, or holds something a base backup never has.</exception>
    public async IAsyncEnumerable<TarEntry> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var tar = new TarReader(source, leaveOpen: true);
        await using (tar)
        {
            while (await NextAsync(tar, cancellationToken) is { } entry)
            {
                if (Convert(entry) is { } converted)
                {
                    yield return converted;
                }
            }
        }

        await DrainAsync(cancellationToken);
    }

    static async ValueTask<System.Formats.Tar.TarEntry?> NextAsync(TarReader tar, CancellationToken cancellationToken)
    {
        try
        {
            return await tar.GetNextEntryAsync(copyData: false, cancellationToken);
        }
        catch (EndOfStreamException e)
        {
            throw new ServerException(
                "the base backup's tar ends in the middle of an entry",
                "pg_basebackup was interrupted; its messages say why",
                e);
        }
        catch (Exception e) when (e is InvalidDataException or FormatException or NotSupportedException or OverflowException)
        {
            throw new ServerException($"the base backup's tar is damaged: {e.Message}", innerException: e);
        }
    }

    static TarEntry? Convert(System.Formats.Tar.TarEntry entry)
    {
        TarEntryKind kind;
        switch (entry.EntryType)
        {
            case TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile:
                kind = TarEntryKind.File;
                break;
            case TarEntryType.Directory:
                kind = TarEntryKind.Directory;
                break;
            case TarEntryType.SymbolicLink:
                kind = TarEntryKind.Link;
                break;
            case TarEntryType.GlobalExtendedAttributes:
                return null;
            default:
                throw new ServerException($"the base backup's tar holds {entry.Name} of type {entry.EntryType}, which no base backup has");
        }

        return new TarEntry(
            NormalizePath(entry.Name),
            kind,
            kind == TarEntryKind.File ? entry.Length : 0,
            (int)entry.Mode,
            entry.ModificationTime,
            kind == TarEntryKind.Link ? entry.LinkName : null,
            kind == TarEntryKind.File && entry.DataStream is { } data ? data : Stream.Null);
    }

    static string NormalizePath(string path)
    {
        var parts = path.Split('/').Where(part => part.Length > 0 && part != ".");
        return string.Join('/', parts);
    }

    async Task DrainAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        while (await source.ReadAsync(buffer, cancellationToken) > 0)
        {
            // Only padding follows the end mark.
        }
    }
}
