using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Streaming;

/// <summary>
/// Stores a whole segment or a timeline history that came over a stream, as <see cref="ArchivePush"/> stores the file: the same key and the same fingerprint, so
/// that it does not matter which of the two comes first.
/// </summary>
sealed class StreamedFilePush(PostgresService service)
{
    readonly ServiceRegistry _registry = new(service);

    /// <summary>Stores a segment.</summary>
    /// <param name="segment">Its name.</param>
    /// <param name="content">All of it.</param>
    /// <param name="before">The end of the segment before, where it is known.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>What it takes, and whether it was not there before.</returns>
    /// <exception cref="ConflictException">Other content is stored under its name.</exception>
    /// <exception cref="RefusedInputException">It is no segment of this name.</exception>
    /// <exception cref="StorageException">A repository could not take it.</exception>
    public async Task<(int StoredBytes, bool IsNew)> PushAsync(
        WalSegmentName segment, ReadOnlyMemory<byte> content, WalSegmentEdges? before, CancellationToken cancellation)
    {
        try
        {
            var header = WalSegmentHeader.Parse(content.Span);
            header.RequireMatches(segment, content.Length);
            await _registry.ClaimAsync(header.SystemIdentifier, header.MajorVersion, header.SegmentSize.Bytes, cancellation);
            return await PushAsync(WalFileName.ForSegment(segment), header.SystemIdentifier, WalCommitScanner.Scan(content.Span, header, before), content, cancellation);
        }
        catch (WalSegmentException e)
        {
            throw new RefusedInputException($"what was received as {segment} is no such segment: {e.Message}", "report this: the server sent it, and it was not stored", e);
        }
    }

    /// <summary>Stores the history of a timeline.</summary>
    /// <returns>What it takes, and whether it was not there before.</returns>
    /// <inheritdoc cref="PushAsync(WalSegmentName, ReadOnlyMemory{byte}, WalSegmentEdges?, CancellationToken)"/>
    public Task<(int StoredBytes, bool IsNew)> PushHistoryAsync(Timeline timeline, ReadOnlyMemory<byte> content, CancellationToken cancellation) =>
        PushAsync(WalFileName.ForHistory(timeline), 0, default, content, cancellation);

    async Task<(int StoredBytes, bool IsNew)> PushAsync(
        WalFileName name, ulong systemIdentifier, WalCommitTimes commits, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        var key = await service.SealingKeys.GetAsync(cancellation);
        var stored = new StreamedObject(RepositoryLayout.Wal(service.Name, name), name.ToString(), WalFingerprint.Compute(systemIdentifier, name, content.Span));
        var sealedBytes = stored.Seal(content, key, commits, service.Settings.Wal.CompressionLevel);
        var created = 0;
        await service.Repositories.WriteAsync(
            [stored.Key],
            Laggards.LetRun,
            async (store, token) => Interlocked.Add(ref created, await stored.PutAsync(store, sealedBytes, token) ? 1 : 0),
            cancellation,
            isReady: store => service.SealingKeys.IsPublished(key, store));
        return (sealedBytes.Length, Volatile.Read(ref created) > 0);
    }
}
