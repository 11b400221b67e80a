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
    static readonly SegmentMemoryPool Unkept = new(0);

    static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <summary>Where the memory for a file comes from; not kept unless set.</summary>
    internal SegmentMemoryPool Memory { get; init; } = Unkept;

    /// <summary>Fetches a file, asking again until the deadline while the answer is unknown.</summary>
    /// <param name="name">The file PostgreSQL asks for (%f).</param>
    /// <param name="destination">Where to put it (%p), absolute; appears whole or not at all.</param>
    /// <param name="deadline">How long an unknown answer is asked again or waited for; zero asks once and waits.</param>
    /// <exception cref="StorageException">A repository could not be asked.</exception>
    /// <exception cref="RepositoryUnavailableException">A place is no repository, or no answer came until the deadline.</exception>
    /// <exception cref="DamagedRepositoryException">The stored file is damaged and no repository has a good one.</exception>
    /// <exception cref="KeyUnavailableException">No key opens it.</exception>
    public Task<ArchiveGetResult> GetAsync(WalFileName name, string destination, TimeSpan deadline, CancellationToken cancellation)
    {
        RecoveryFile.Sweep(destination, service.Clock);
        return WithinAsync(name, deadline, token => AskUntilAsync(name, destination, deadline, token), cancellation);
    }

    /// <summary>Does something for which <paramref name="name"/> is waited, and gives up at the deadline: then the answer is unknown.</summary>
    internal async Task<T> WithinAsync<T>(WalFileName name, TimeSpan deadline, Func<CancellationToken, Task<T>> work, CancellationToken cancellation)
    {
        using var limit = deadline > TimeSpan.Zero ? new CancellationTokenSource(deadline, service.Clock) : new CancellationTokenSource();
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            return await work(linked.Token);
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new RepositoryUnavailableException(
                $"{name}: repository {service.Repositories.Names} did not answer within {deadline}", "look at the repositories; wal.get-deadline sets the limit", e);
        }
    }

    /// <summary>As <see cref="GetAsync"/>, ended by <paramref name="cancellation"/> instead of the deadline, which only says until when it is asked again.</summary>
    internal async Task<ArchiveGetResult> AskUntilAsync(WalFileName name, string destination, TimeSpan deadline, CancellationToken cancellation)
    {
        var started = service.Clock.GetTimestamp();
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                return await TryEachRepositoryAsync(name, content => RecoveryFile.Write(destination, content.Span), cancellation);
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
        using var file = await ReadStoredAsync(name, cancellation);
        if (file is not null)
        {
            return Deliver(file.Content);
        }

        // The last segment of a stream lies in pieces until it is full. It may take their place while they are read: so it is asked for once more.
        using var pieces = name.Kind == WalFileKind.Segment ? await new SegmentAssembly(service).TryReadAsync(name.Segment!.Value, cancellation) : null;
        using var whole = name.Kind == WalFileKind.Segment ? await ReadStoredAsync(name, cancellation) : null;
        return whole is not null ? Deliver(whole.Content) : pieces is not null ? Deliver(pieces.Memory) : ArchiveGetResult.ProvenAbsent;

        ArchiveGetResult Deliver(ReadOnlyMemory<byte> content)
        {
            // Whoever asked may be gone: nothing may appear under a name that the next request uses.
            cancellation.ThrowIfCancellationRequested();
            deliver(content);
            return ArchiveGetResult.Found;
        }
    }

    /// <summary>
    /// Reads the one object that is stored under a name, asking each repository once, and authenticates it; null when proven absent. What
    /// it gives never changes, so it may be kept for a request that is still to come.
    /// </summary>
    internal async Task<ArchivedFile?> ReadStoredAsync(WalFileName name, CancellationToken cancellation)
    {
        var key = RepositoryLayout.Wal(service.Name, name);
        var asked = await service.Repositories.AskFirstAsync((store, token) => FetchAsync(store, key, name, token), cancellation);
        foreach (var failure in asked.Failures.Where(f => f is not ObjectNotFoundException))
        {
            service.Log.Warning("{File}: a repository did not give it: {Reason}", name, failure.Message);
        }

        if (asked.IsAnswered)
        {
            return asked.Answer;
        }

        // One that did not answer may hold a good copy, whatever is wrong with the others': asking again can help.
        return asked.IsProvenAbsent
            ? null
            : throw asked.Failures.FirstOrDefault(f => f is StorageException and not ObjectNotFoundException or RepositoryUnavailableException) ?? asked.Failure;
    }

    async Task<ArchivedFile> FetchAsync(IObjectStore store, string key, WalFileName name, CancellationToken cancellation)
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

    async Task<ArchivedFile> OpenAsync(IObjectStore store, string key, WalFileName name, CancellationToken cancellation)
    {
        SegmentMemory? buffer = null;
        try
        {
            await using var stream = await store.OpenReadAsync(key, null, cancellation);
            var header = await SealedObjectReader.ReadHeaderAsync(stream, cancellation);
            if (header.Kind != SealedObjectKind.Wal || header.PlaintextLength > WalSegmentSize.MaximumBytes)
            {
                throw new DamagedObjectException($"is a sealed {header.Kind} of {header.PlaintextLength} bytes, not a WAL file");
            }

            var dataKey = await service.OpeningKeys.GetAsync(header.KeyId, cancellation);
            var length = (int)header.PlaintextLength;
            buffer = new SegmentMemory(length, Memory);
            using var reader = new SealedObjectReader(stream, header, dataKey, leaveOpen: true);
            // Not the span's method: a store that stops in the middle of an object must not outlast the deadline.
            var read = await reader.ReadAtLeastAsync(buffer.Memory, length, throwOnEndOfStream: false, cancellation);
            // One byte more than announced, so that the reader comes to the end and authenticates the last chunk.
            if (await reader.ReadAsync(new byte[1], cancellation) != 0)
            {
                throw new DamagedObjectException($"is longer than the {length} bytes of its header");
            }

            var systemIdentifier = RequireAuthentic(name, header, buffer.Memory.Span[..read]);
            var file = new ArchivedFile(name, buffer, read, header.Fingerprint, systemIdentifier);
            buffer = null;
            return file;
        }
        catch (Exception e) when (e is DamagedObjectException or EndOfStreamException or WalSegmentException)
        {
            throw new DamagedRepositoryException(
                $"{store.Name}: {key} is damaged: {e.Message}",
                "PostgreSQL was not given it; run `pitr wal list` to see what else is there, and recover to a moment before it or from another repository", e);
        }
        finally
        {
            ((IDisposable?)buffer)?.Dispose();
        }
    }

    // The chunks are authentic by now; this makes sure that they are the file that was asked for, not another one under its name. Gives the
    // cluster's system identifier.
    internal static ulong RequireAuthentic(WalFileName name, SealedObjectHeader header, ReadOnlySpan<byte> content)
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

        return systemIdentifier;
    }
}
