using Pitr.Format;
using Pitr.Format.Manifests;
using Pitr.Format.Packs;
using Pitr.Format.Sealing;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Restore;

/// <summary>Writes what is needed out of one pack. Fetches it whole, or only the parts that are needed when they are less than half of it.</summary>
/// <param name="service">Whose pack.</param>
/// <param name="fetch">Fetches it.</param>
/// <param name="pack">Which.</param>
/// <param name="records">What is needed.</param>
/// <param name="session">Writes it.</param>
sealed class PackRestore(PackedService service, PackFetch fetch, ManifestPack pack, PackRecords records, IRunWriter session)
{
    const long LargestGap = 512 << 10;
    const long LargestPart = 8 << 20;

    int _next;

    /// <exception cref="DamagedRepositoryException">No repository has the pack undamaged.</exception>
    /// <exception cref="DamagedObjectException">The manifest asks for what the pack does not have.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        if (pack.Salt is not null)
        {
            try
            {
                await (records.UsedBytes < pack.Size / 2 ? WritePartsAsync(cancellation) : WriteWholeAsync(cancellation));
            }
            catch (Exception e) when (e is DamagedObjectException or DamagedRepositoryException or UnsupportedFormatException or KeyUnavailableException)
            {
                // The digest of the whole tells which repository's copy is good.
                service.Log.Warning("{Key} is not what it should be and is fetched once more, by its digest: {Reason}", fetch.Locate(pack).Key, e.Message);
            }
        }

        if (_next < records.Count)
        {
            await WriteRestAsync(cancellation);
        }
    }

    /// <summary>
    /// Reads parts. The digest in the manifest cannot be held against a part, and takes longer than everything else to make of a whole pack; the salt
    /// stands in for it. A pack has a random salt of its own, which makes the key its records are sealed with, and is sealed once: a record that opens
    /// under the manifest's salt, at its index, is the one that was written there. Without the salt another pack of the same data key could take this one's place.
    /// </summary>
    async Task WritePartsAsync(CancellationToken cancellation)
    {
        var key = fetch.Locate(pack).Key;
        using var header = await fetch.AskAsync(
            service.Repositories.InReadOrder, key, new ByteRange(0, SealedObjectHeader.Size), SealedObjectHeader.Size, RequireSalt, cancellation);
        using var reader = await ReaderAsync(header, cancellation);
        while (_next < records.Count)
        {
            var (end, range) = records.Part(_next, LargestGap, LargestPart);
            using var part = await fetch.AskAsync(service.Repositories.InReadOrder, key, range, (int)range.Length, static _ => { }, cancellation);
            Write(end, reader, part.Span, range.Offset);
        }
    }

    async Task WriteWholeAsync(CancellationToken cancellation)
    {
        var (key, size) = fetch.Locate(pack);
        using var whole = await fetch.AskAsync(service.Repositories.InReadOrder, key, null, size, RequireSalt, cancellation);
        using var reader = await ReaderAsync(whole, cancellation);
        Write(records.Count, reader, whole.Span, 0);
    }

    async Task WriteRestAsync(CancellationToken cancellation)
    {
        using var whole = await fetch.WholeAsync(pack, cancellation);
        using var reader = await ReaderAsync(whole, cancellation);
        Write(records.Count, reader, whole.Span, 0);
    }

    async Task<PackReader> ReaderAsync(FetchedBytes content, CancellationToken cancellation)
    {
        var dataKey = await service.OpeningKeys.GetAsync(SealedObjectHeader.Parse(content.Span).KeyId, cancellation);
        return new PackReader(content.Span, dataKey);
    }

    void RequireSalt(ReadOnlySpan<byte> header)
    {
        if (PackReader.SaltOf(header) != pack.Salt)
        {
            throw new DamagedObjectException("it is not the pack that the manifest means: its salt is another");
        }
    }

    void Write(int end, PackReader reader, ReadOnlySpan<byte> stored, long offset)
    {
        while (_next < end)
        {
            var place = records[_next];
            var following = records.EndOfRecord(_next);
            records.Write(_next, following, reader, stored.Slice((int)(place.PackOffset - offset), place.StoredLength), session);
            _next = following;
        }
    }
}
