using System.Buffers;
using Pitr.Format;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Postgres.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>
/// Turns stored bytes into what they hold: opens what is sealed, hands on what is not. Everything handed out is authentic, and only its
/// return says that the object is whole. Safe for use from several threads.
/// </summary>
public sealed class ObjectOpener(RepositoryKeys keys)
{
    // Larger WAL files are opened as a stream and held against their name by their first page instead of by their fingerprint, which needs all of it at once.
    const int LongestWalInMemory = 64 << 20;

    const int BlockSize = 256 << 10;

    /// <summary>Whether an identity is there to open what other hosts sealed.</summary>
    public bool HasIdentity => keys.HasIdentity;

    /// <summary>Opens one object.</summary>
    /// <param name="key">Its key, which says what it must be.</param>
    /// <param name="stored">Its stored bytes, from the start.</param>
    /// <param name="destination">Takes the content.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>Bytes of content.</returns>
    /// <exception cref="DamagedObjectException">The object is damaged, or not what its key says. What was written until then is authentic, but not all.</exception>
    /// <exception cref="RefusedInputException">A pack: only a manifest knows how to open its records.</exception>
    /// <exception cref="KeyUnavailableException">No key opens it.</exception>
    public async Task<long> OpenAsync(string key, Stream stored, Stream destination, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(stored);
        ArgumentNullException.ThrowIfNull(destination);
        var place = RepositoryKey.Parse(key);
        var head = new byte[SealedObjectHeader.Size];
        var length = await stored.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellation);
        if (SealedKind(place.Kind) is not { } kind && !head.AsSpan(0, length).StartsWith(SealedObjectHeader.Magic))
        {
            await destination.WriteAsync(head.AsMemory(0, length), cancellation);
            return length + await CopyAsync(stored, destination, cancellation);
        }

        var header = SealedObjectHeader.Parse(head.AsSpan(0, length));
        header.RequireKind(SealedKind(place.Kind) ?? header.Kind);
        if (header.Kind == SealedObjectKind.Pack)
        {
            throw new RefusedInputException(
                $"{key} is a pack, whose records are opened by a manifest", "take its stored bytes with --raw, or restore the backup it belongs to");
        }

        using var reader = await UnlockAsync(key, stored, header, cancellation);
        return RepositoryLayout.TryParseWal(key, out _, out var wal)
            ? await CopyWalAsync(wal, header, reader, destination, cancellation)
            : await CopyAsync(reader, destination, cancellation);
    }

    /// <summary>Opens one object for reading. What it gives is authentic; only its end says that the object is whole.</summary>
    /// <param name="key">The object's key, which says whose it is.</param>
    /// <param name="stored">Its stored bytes after the header; not disposed with the result.</param>
    /// <param name="header">Its header.</param>
    /// <exception cref="KeyUnavailableException">No key opens it.</exception>
    public async Task<SealedObjectReader> UnlockAsync(string key, Stream stored, SealedObjectHeader header, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(header);
        return RepositoryKey.Parse(key).Service is { } service
            ? new SealedObjectReader(stored, header, await keys.GetAsync(service, header.KeyId, cancellation), leaveOpen: true)
            : throw new RefusedInputException($"{key} is sealed and belongs to no service, so its data key is not known", "take its stored bytes with --raw");
    }

    /// <summary>
    /// Opens an object only to see that it is authentic: sealed ones, and the data key in a key document. Other documents are not authenticated by
    /// anything, and for packs the digest in a manifest speaks.
    /// </summary>
    /// <inheritdoc cref="ObjectVerifier"/>
    public async Task VerifyAsync(string key, ObjectContent content, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(content);
        var place = RepositoryKey.Parse(key);
        await using var stored = content.OpenRead();
        if (place.Kind == RepositoryKeyKind.DataKey)
        {
            var json = new byte[content.Length];
            await stored.ReadExactlyAsync(json, cancellation);
            keys.RequireOpens(KeyDocument.Parse(json));
        }
        else if (place.Kind != RepositoryKeyKind.Pack && SealedKind(place.Kind) is not null)
        {
            await OpenAsync(key, stored, Stream.Null, cancellation);
        }
    }

    /// <summary>What is stored sealed under keys of this kind; null where documents or anything else may lie.</summary>
    internal static SealedObjectKind? SealedKind(RepositoryKeyKind kind) => kind switch
    {
        RepositoryKeyKind.Wal or RepositoryKeyKind.WalPiece => SealedObjectKind.Wal,
        RepositoryKeyKind.Manifest or RepositoryKeyKind.DumpManifest => SealedObjectKind.Manifest,
        RepositoryKeyKind.Pack => SealedObjectKind.Pack,
        RepositoryKeyKind.Dump => SealedObjectKind.Stream,
        _ => null,
    };

    static async Task<long> CopyAsync(Stream source, Stream destination, CancellationToken cancellation)
    {
        var block = ArrayPool<byte>.Shared.Rent(BlockSize);
        try
        {
            var total = 0L;
            int read;
            while ((read = await source.ReadAsync(block, cancellation)) > 0)
            {
                await destination.WriteAsync(block.AsMemory(0, read), cancellation);
                total += read;
            }

            return total;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    // The chunks prove where they were sealed, not under which name: that is for fingerprint and first page.
    static async Task<long> CopyWalAsync(WalFileName name, SealedObjectHeader header, SealedObjectReader reader, Stream destination, CancellationToken cancellation)
    {
        if (header.PlaintextLength > WalSegmentSize.MaximumBytes)
        {
            throw new DamagedObjectException($"is a sealed WAL file of {header.PlaintextLength} bytes: there is no such segment");
        }

        var inMemory = header.PlaintextLength <= LongestWalInMemory;
        // One byte more than announced, so that the reader comes to the end and authenticates the last chunk.
        var wanted = inMemory ? (int)header.PlaintextLength + 1 : BlockSize;
        var buffer = ArrayPool<byte>.Shared.Rent(wanted);
        try
        {
            var read = await reader.ReadAtLeastAsync(buffer.AsMemory(0, wanted), wanted, throwOnEndOfStream: false, cancellation);
            if (inMemory)
            {
                ArchiveGet.RequireAuthentic(name, header, buffer.AsSpan(0, read));
            }
            else if (name.Kind is WalFileKind.Segment or WalFileKind.Partial)
            {
                WalSegmentHeader.Parse(buffer.AsSpan(0, read)).RequireMatches(name.Segment!.Value, header.PlaintextLength);
            }

            await destination.WriteAsync(buffer.AsMemory(0, read), cancellation);
            return inMemory ? read : read + await CopyAsync(reader, destination, cancellation);
        }
        catch (WalSegmentException e)
        {
            throw new DamagedObjectException(e.Message, e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
