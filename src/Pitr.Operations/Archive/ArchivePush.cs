using System.Buffers;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Archive;

/// <summary>
/// Puts one file of pg_wal into the repositories of a service. Returns only when as many as are required hold it durably and what
/// the others lack is written down; the same file again is the same success, another file under the same name is refused. Mirror of <see cref="ArchiveGet"/>.
/// </summary>
public sealed class ArchivePush(PostgresService service)
{
    // Timeline histories and backup histories are a few hundred bytes; far larger is not what it claims to be.
    const int LargestTextFile = 1 << 20;

    readonly ServiceRegistry _registry = new(service);

    /// <summary>Archives one file.</summary>
    /// <param name="path">The file; its name must be one PostgreSQL gives to files it archives.</param>
    /// <returns>What was done.</returns>
    /// <exception cref="RefusedInputException">The file is missing, misnamed, of the wrong size, or not WAL.</exception>
    /// <exception cref="ConflictException">Other content is stored under this name, or the WAL is another cluster's.</exception>
    /// <exception cref="StorageException">A repository could not take it; nothing is acknowledged.</exception>
    /// <exception cref="RepositoryUnavailableException">It took longer than wal.push-deadline, or a place is no repository.</exception>
    public async Task<ArchivePushResult> PushAsync(string path, CancellationToken cancellation)
    {
        if (!WalFileName.TryParse(Path.GetFileName(path), out var name))
        {
            throw new RefusedInputException(
                $"{Path.GetFileName(path)} is not a file that PostgreSQL archives",
                "archive_command must pass %p: a WAL segment, .partial, .history or .backup file");
        }

        var buffer = ReadWhole(path, out var length);
        try
        {
            return await PushAsync(name, buffer.AsMemory(0, length), cancellation);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // A repository that never answers must not let pg_wal fill in silence: PostgreSQL is told to ask again, and says so in its log.
    async Task<ArchivePushResult> PushAsync(WalFileName name, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(service.Settings.Wal.PushDeadline, service.Clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            return await PushToEachAsync(name, content, linked.Token);
        }
        catch (OperationCanceledException e) when (deadline.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new RepositoryUnavailableException(
                $"{name} was not in {Wanted} within {service.Settings.Wal.PushDeadline}",
                "nothing is acknowledged, PostgreSQL asks again; look at the repositories, wal.push-deadline sets the limit",
                e);
        }
    }

    async Task<ArchivePushResult> PushToEachAsync(WalFileName name, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        var file = Inspect(name, content);
        var key = service.SealingKeys.GetAsync(cancellation);
        // Both end before we go on, whichever fails: a refusal must not be overtaken by what it refuses.
        await Task.WhenAll(key, ClaimAsync(file.Header, cancellation));
        var dataKey = await key;
        var sealedBytes = Seal(content, file, dataKey);
        var stored = 0;
        await service.Repositories.WriteAsync(
            [RepositoryLayout.Wal(service.Name, name)],
            Laggards.LetRun,
            async (store, token) =>
            {
                if (await PutAsync(store, name, sealedBytes, file, token))
                {
                    Interlocked.Increment(ref stored);
                }
            },
            cancellation,
            isReady: store => service.SealingKeys.IsPublished(dataKey, store));
        return new ArchivePushResult(name, content.Length, sealedBytes.Length, AlreadyStored: Volatile.Read(ref stored) == 0);
    }

    string Wanted => service.Repositories.Required == service.Repositories.Stores.Count
        ? $"every repository ({service.Repositories.Names})"
        : $"{service.Repositories.Required} of the repositories {service.Repositories.Names}";

    Task ClaimAsync(WalSegmentHeader? header, CancellationToken cancellation) => header is null
        ? Task.CompletedTask
        : _registry.ClaimAsync(header.SystemIdentifier, header.MajorVersion, header.SegmentSize.Bytes, cancellation);

    static InspectedWalFile Inspect(WalFileName name, ReadOnlyMemory<byte> content)
    {
        try
        {
            if (name.Kind is WalFileKind.Segment or WalFileKind.Partial)
            {
                var header = WalSegmentHeader.Parse(content.Span);
                header.RequireMatches(name.Segment!.Value, content.Length);
                return new InspectedWalFile(header, WalFingerprint.Compute(header.SystemIdentifier, name, content.Span), WalCommitScanner.Scan(content.Span, header));
            }

            var text = System.Text.Encoding.UTF8.GetString(content.Span);
            if (name.Kind == WalFileKind.History)
            {
                TimelineHistory.Parse(name.Timeline, text);
            }
            else
            {
                BackupHistory.Parse(text);
            }

            return new InspectedWalFile(null, WalFingerprint.Compute(0, name, content.Span), default);
        }
        catch (Exception e) when (e is WalSegmentException or FormatException)
        {
            throw new RefusedInputException(
                $"{name} is not what its name says: {e.Message}",
                "it stays in pg_wal; look at it with pg_waldump, and check that the service name in archive_command is this cluster's", e);
        }
    }

    byte[] Seal(ReadOnlyMemory<byte> content, InspectedWalFile file, DataKey key)
    {
        var header = SealedObjectHeader.Create(SealedObjectKind.Wal, SealedObjectCodec.Zstd, key.Id) with
        {
            Fingerprint = file.Fingerprint,
            PlaintextLength = content.Length,
            FirstCommit = file.Commits.First,
            LastCommit = file.Commits.Last,
        };
        return SealedObject.Seal(content.Span, key, header, service.Settings.Wal.CompressionLevel);
    }

    // True when this call stored it, false when the same content was already there.
    async Task<bool> PutAsync(IObjectStore store, WalFileName name, byte[] sealedBytes, InspectedWalFile file, CancellationToken cancellation)
    {
        var key = RepositoryLayout.Wal(service.Name, name);
        try
        {
            await store.PutAsync(key, ObjectContent.FromMemory(sealedBytes), PutMode.CreateNew, cancellation);
            return true;
        }
        catch (ObjectExistsException)
        {
            var stored = await WalObject.ReadHeaderAsync(store, key, cancellation);
            if (stored.Fingerprint.AsSpan().SequenceEqual(file.Fingerprint))
            {
                return false;
            }

            throw new ConflictException(
                $"{name} is already in repository {store.Name} with other content: stored {Convert.ToHexStringLower(stored.Fingerprint)}, offered {Convert.ToHexStringLower(file.Fingerprint)}",
                "two servers archive under one service name (an old primary that came back?); stop the wrong one, nothing was overwritten");
        }
    }

    static byte[] ReadWhole(string path, out int length)
    {
        byte[]? buffer = null;
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, FileOptions.SequentialScan);
            var size = RandomAccess.GetLength(file);
            var limit = WalFileName.Parse(Path.GetFileName(path)).Kind is WalFileKind.Segment or WalFileKind.Partial ? WalSegmentSize.MaximumBytes : LargestTextFile;
            if (size > limit)
            {
                throw new RefusedInputException($"{path} has {size} bytes; a file of this kind has at most {limit}");
            }

            buffer = ArrayPool<byte>.Shared.Rent((int)size);
            for (length = 0; length < size;)
            {
                var read = RandomAccess.Read(file, buffer.AsSpan(length, (int)size - length), length);
                if (read == 0)
                {
                    throw new RefusedInputException($"{path} shrank while it was read: {length} of {size} bytes");
                }

                length += read;
            }

            return buffer;
        }
        catch (Exception e)
        {
            if (buffer is not null)
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }

            if (e is IOException or UnauthorizedAccessException)
            {
                throw new RefusedInputException(
                    $"{path} cannot be read: {e.Message}",
                    "pitr must run as a user that can read pg_wal, normally the owner of the cluster",
                    e);
            }

            throw;
        }
    }

    readonly record struct InspectedWalFile(WalSegmentHeader? Header, byte[] Fingerprint, WalCommitTimes Commits);
}
