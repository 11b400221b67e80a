using System.Buffers;
using Pitr.Format;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Operations.Streaming;
using Pitr.Postgres.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Archive;

/// <summary>
/// Brings one archived file back for PostgreSQL, authenticated before PostgreSQL can see it. Answers found, proven absent, or
/// throws: unknown. Mirror of <see cref="ArchivePush"/>.
/// </summary>
public sealed class ArchiveGet(PostgresService service)
{
    static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <summary>Fetches a file, asking again until the deadline while the answer is unknown.</summary>
    /// <param name="name">The file PostgreSQL asks for (%f).</param>
    /// <param name="destination">Where to put it (%p), absolute; appears whole or not at all.</param>
    /// <param name="deadline">How long an unknown answer is asked again or waited for; zero asks once and waits.</param>
    /// <exception cref="StorageException">A repository could not be asked.</exception>
    /// <exception cref="RepositoryUnavailableException">A place is no repository, or no answer came until the deadline.</exception>
    /// <exception cref="DamagedRepositoryException">The stored file is damaged and no repository has a good one.</exception>
    /// <exception cref="KeyUnavailableException">No key opens it.</exception>
    public async Task<ArchiveGetResult> GetAsync(WalFileName name, string destination, TimeSpan deadline, CancellationToken cancellation)
    {
        using var limit = deadline > TimeSpan.Zero ? new CancellationTokenSource(deadline, service.Clock) : new CancellationTokenSource();
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            return await AskUntilAsync(name, destination, deadline, linked.Token);
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new RepositoryUnavailableException(
                $"{name}: repository {service.Repositories.Names} did not answer within {deadline}", "look at the repositories; wal.get-deadline sets the limit", e);
        }
    }

    async Task<ArchiveGetResult> AskUntilAsync(WalFileName name, string destination, TimeSpan deadline, CancellationToken cancellation)
    {
        var started = service.Clock.GetTimestamp();
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                return await TryEachRepositoryAsync(name, content => WriteInPlace(destination, content.Span), cancellation);
            }
            catch (Exception e) when (e is StorageException or RepositoryUnavailableException && service.Clock.GetElapsedTime(started) + pause < deadline)
            {
                service.Log.Warning("{File}: no answer yet, asking again in {Pause}: {Reason}", name, pause, e.Message);
                await Task.Delay(pause, service.Clock, cancellation);
            }
        }
    }

    /// <summary>Reads one archived file into memory, asking each repository once; null when proven absent.</summary>
    public async Task<byte[]?> ReadAsync(WalFileName name, CancellationToken cancellation)
    {
        byte[]? copy = null;
        await TryEachRepositoryAsync(name, content => copy = content.ToArray(), cancellation);
        return copy;
    }

    async Task<ArchiveGetResult> TryEachRepositoryAsync(WalFileName name, Action<ReadOnlyMemory<byte>> deliver, CancellationToken cancellation)
    {
        var key = RepositoryLayout.Wal(service.Name, name);
        var asked = await service.Repositories.AskFirstAsync((store, token) => FetchAsync(store, key, name, token), cancellation);
        foreach (var failure in asked.Failures.Where(f => f is not ObjectNotFoundException))
        {
            service.Log.Warning("{File}: a repository did not give it: {Reason}", name, failure.Message);
        }

        if (!asked.IsAnswered && !asked.IsProvenAbsent)
        {
            throw asked.Failure;
        }

        using var content = asked.IsAnswered ? asked.Answer : await ReadPiecesAsync(key, name, cancellation);
        if (content is null)
        {
            return ArchiveGetResult.ProvenAbsent;
        }

        // Whoever asked may be gone: nothing may appear under a name that the next request uses.
        cancellation.ThrowIfCancellationRequested();
        deliver(content.Memory);
        return ArchiveGetResult.Found;
    }

    // The last segment of a stream lies in pieces until it is full. Meanwhile it may have taken their place: so it is asked for once more.
    async Task<PooledBytes?> ReadPiecesAsync(string key, WalFileName name, CancellationToken cancellation)
    {
        if (name.Kind != WalFileKind.Segment)
        {
            return null;
        }

        var pieces = await new SegmentAssembly(service).TryReadAsync(name.Segment!.Value, cancellation);
        try
        {
            var whole = await service.Repositories.AskFirstAsync((store, token) => FetchAsync(store, key, name, token), cancellation);
            if (!whole.IsAnswered && !whole.IsProvenAbsent)
            {
                throw whole.Failure;
            }

            (pieces, var answer) = whole.IsAnswered ? (pieces, whole.Answer) : (null, pieces);
            return answer;
        }
        finally
        {
            pieces?.Dispose();
        }
    }

    async Task<PooledBytes> FetchAsync(IObjectStore store, string key, WalFileName name, CancellationToken cancellation)
    {
        try
        {
            return await OpenAsync(store, key, name, cancellation);
        }
        catch (ObjectNotFoundException)
        {
            // An empty directory where a mounted repository should be also has no such object; only a repository's "no" counts.
            await RepositorySet.RequireInitialisedAsync(store, cancellation);
            throw;
        }
    }

    async Task<PooledBytes> OpenAsync(IObjectStore store, string key, WalFileName name, CancellationToken cancellation)
    {
        byte[]? buffer = null;
        try
        {
            await using var stream = await store.OpenReadAsync(key, null, cancellation);
            var header = await SealedObjectReader.ReadHeaderAsync(stream, cancellation);
            if (header.Kind != SealedObjectKind.Wal || header.PlaintextLength > WalSegmentSize.MaximumBytes)
            {
                throw new DamagedObjectException($"is a sealed {header.Kind} of {header.PlaintextLength} bytes, not a WAL file");
            }

            var dataKey = await service.OpeningKeys.GetAsync(header.KeyId, cancellation);
            buffer = ArrayPool<byte>.Shared.Rent((int)header.PlaintextLength + 1);
            using var reader = new SealedObjectReader(stream, header, dataKey, leaveOpen: true);
            // One byte more than announced, so that the reader comes to the end and authenticates the last chunk.
            var read = reader.ReadAtLeast(buffer.AsSpan(0, (int)header.PlaintextLength + 1), (int)header.PlaintextLength + 1, throwOnEndOfStream: false);
            RequireAuthentic(name, header, buffer.AsSpan(0, read));
            var fetched = new PooledBytes(buffer, read);
            buffer = null;
            return fetched;
        }
        catch (Exception e) when (e is DamagedObjectException or EndOfStreamException or WalSegmentException)
        {
            throw new DamagedRepositoryException(
                $"{store.Name}: {key} is damaged: {e.Message}",
                "PostgreSQL was not given it; run `pitr wal list` to see what else is there, and recover to a moment before it or from another repository", e);
        }
        finally
        {
            if (buffer is not null)
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    static void WriteInPlace(string destination, ReadOnlySpan<byte> content)
    {
        // Beside the destination, so that the rename is atomic; the name is one PostgreSQL ignores.
        var temporary = $"{destination}.pitr-{Environment.ProcessId}-{Guid.NewGuid():N}";
        try
        {
            using (var file = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.None, content.Length))
            {
                RandomAccess.Write(file, content, 0);
            }

            File.Move(temporary, destination, overwrite: true);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            if (File.Exists(temporary))
            {
                File.Delete(temporary);
            }

            throw new RefusedInputException($"{destination} cannot be written: {e.Message}", "check space and owner of the directory", e);
        }
    }

    // The chunks are authentic by now; this makes sure that they are the file that was asked for, not another one under its name.
    internal static void RequireAuthentic(WalFileName name, SealedObjectHeader header, ReadOnlySpan<byte> content)
    {
        var systemIdentifier = 0UL;
        if (name.Kind is WalFileKind.Segment or WalFileKind.Partial)
        {
            var wal = WalSegmentHeader.Parse(content);
            wal.RequireMatches(name.Segment!.Value, content.Length);
            systemIdentifier = wal.SystemIdentifier;
        }

        if (!WalFingerprint.Compute(systemIdentifier, name, content).AsSpan().SequenceEqual(header.Fingerprint))
        {
            throw new DamagedObjectException("its content does not have the fingerprint it was stored with");
        }
    }
}
