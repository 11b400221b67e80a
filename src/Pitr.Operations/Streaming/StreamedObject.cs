using Pitr.Format.Keys;
using Pitr.Format.Sealing;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Postgres.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Streaming;

/// <summary>Puts a sealed object that came over a stream: what is there already must have the same fingerprint, whoever stored it.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Name">What it is called in messages.</param>
/// <param name="Fingerprint">Of its content.</param>
sealed record StreamedObject(string Key, string Name, byte[] Fingerprint)
{
    // WAL compresses to less than this part of it, mostly.
    const int Compression = 4;

    /// <summary>Seals WAL chunk by chunk: all at once would take twice its length beside it.</summary>
    /// <param name="content">The WAL.</param>
    /// <param name="key">The data key.</param>
    /// <param name="commits">Of the clear header.</param>
    /// <param name="level">zstd level.</param>
    public ReadOnlyMemory<byte> Seal(ReadOnlyMemory<byte> content, DataKey key, WalCommitTimes commits, int level)
    {
        var header = SealedObjectHeader.Create(SealedObjectKind.Wal, SealedObjectCodec.Zstd, key.Id, content.Length, Fingerprint, commits.First, commits.Last);
        var destination = new MemoryStream(SealedObjectHeader.Size + (content.Length / Compression));
        using var writer = new SealedObjectWriter(destination, key, header, level);
        writer.Write(content.Span);
        writer.Complete();
        return destination.GetBuffer().AsMemory(0, (int)destination.Length);
    }

    /// <summary>Stores it in one repository.</summary>
    /// <returns>False when it was there already.</returns>
    /// <exception cref="ConflictException">Other content is stored under the key.</exception>
    public async Task<bool> PutAsync(IObjectStore store, ReadOnlyMemory<byte> sealedBytes, CancellationToken cancellation)
    {
        try
        {
            await store.PutAsync(Key, ObjectContent.FromMemory(sealedBytes), PutMode.CreateNew, cancellation);
            return true;
        }
        catch (ObjectExistsException)
        {
            await RequireSameAsync(store, cancellation);
            return false;
        }
    }

    /// <summary>Makes sure that what is stored under the key is this.</summary>
    /// <exception cref="ConflictException">It is not.</exception>
    public async Task RequireSameAsync(IObjectStore store, CancellationToken cancellation)
    {
        var stored = await WalObject.ReadHeaderAsync(store, Key, cancellation);
        if (!stored.Fingerprint.AsSpan().SequenceEqual(Fingerprint))
        {
            throw new ConflictException(
                $"{Name} is already in repository {store.Name} with other content: stored {Convert.ToHexStringLower(stored.Fingerprint)}, received {Convert.ToHexStringLower(Fingerprint)}",
                "two servers archive under one service name (an old primary that came back?); stop the wrong one, nothing was overwritten");
        }
    }
}
