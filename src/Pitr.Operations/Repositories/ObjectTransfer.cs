using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>
/// Brings objects over, one decision for each: there already, copied, in conflict, damaged. Every object is checked before it lands, and the data
/// key of a sealed one is there before it is. Safe for use from several threads.
/// </summary>
sealed class ObjectTransfer(
    IObjectStore source, IObjectStore? destination, IReadOnlyList<IObjectStore> others, ObjectCopy copy, ObjectOpener opener, RepositoryCopyOptions options)
{
    readonly ConcurrentDictionary<string, byte> _failed = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<(ServiceName, string), Lazy<Task>> _keys = new();
    readonly HashSet<ulong> _counted = [];
    long _copied;
    long _copiedBytes;
    long _present;
    long _unauthenticated;

    public IObjectStore Source => source;

    /// <summary>Null in a dry run to a place that is no repository yet.</summary>
    public IObjectStore? Destination => destination;

    /// <summary>Opens what is sealed; null when there is no identity here.</summary>
    public ObjectOpener? Opener => opener.HasIdentity ? opener : null;

    public bool IsDryRun => options.DryRun;

    public ObjectBatch Batch { get; } = new(options.Jobs);

    public long Copied => Interlocked.Read(ref _copied);

    public long CopiedBytes => Interlocked.Read(ref _copiedBytes);

    public long Present => Interlocked.Read(ref _present);

    public long Unauthenticated => Interlocked.Read(ref _unauthenticated);

    public string? UnauthenticatedReason { get; private set; }

    /// <summary>Told after each object.</summary>
    public Action? OnMoved { get; set; }

    /// <summary>Brings many; what was in vain once is not tried again.</summary>
    /// <param name="items">What the source has.</param>
    /// <param name="digests">What some of them must be, by key.</param>
    /// <returns>Whether all of them are in the destination now.</returns>
    public async Task<bool> BringAsync(IAsyncEnumerable<ObjectDifference> items, IReadOnlyDictionary<string, StoredObject>? digests, CancellationToken cancellation)
    {
        var failed = 0;
        await Batch.RunAsync(
            items,
            item => item.Key,
            async (item, token) =>
            {
                if (_failed.ContainsKey(item.Key))
                {
                    Interlocked.Increment(ref failed);
                    return 0;
                }

                try
                {
                    return await BringAsync(item, digests?.GetValueOrDefault(item.Key), token);
                }
                catch (Exception)
                {
                    Interlocked.Increment(ref failed);
                    _failed.TryAdd(item.Key, 0);
                    throw;
                }
                finally
                {
                    OnMoved?.Invoke();
                }
            },
            cancellation);
        return failed == 0;
    }

    /// <summary>Brings one.</summary>
    /// <inheritdoc cref="BringAsync(IAsyncEnumerable{ObjectDifference}, IReadOnlyDictionary{string, StoredObject}?, CancellationToken)"/>
    public Task<bool> BringOneAsync(ObjectDifference item, IReadOnlyDictionary<string, StoredObject>? digests, CancellationToken cancellation) =>
        BringAsync(new[] { item }.ToAsyncEnumerable(), digests, cancellation);

    /// <summary>Remembers that an object could not be brought.</summary>
    public void Fail(string key, Exception error)
    {
        _failed.TryAdd(key, 0);
        Batch.Fail(key, error);
    }

    async Task<long> BringAsync(ObjectDifference item, StoredObject? digest, CancellationToken cancellation)
    {
        try
        {
            return await BringAsItIsAsync(item, digest, cancellation);
        }
        catch (ObjectNotFoundException) when (RepositoryLayout.TryParseWalPiece(item.Key, out var service, out var piece))
        {
            // Pieces go when their segment is whole, also while they are copied; then it is what is wanted, and the listing did not have it yet.
            var key = RepositoryLayout.Wal(service, WalFileName.ForSegment(piece.Segment));
            if (await ObjectDifference.FindAsync(source, destination, key, cancellation) is not { } segment)
            {
                throw;
            }

            return await BringAsItIsAsync(segment, digest: null, cancellation);
        }
    }

    async Task<long> BringAsItIsAsync(ObjectDifference item, StoredObject? digest, CancellationToken cancellation)
    {
        var check = new TransferCheck(opener, digest, RequireDataKeyAsync);
        if (item.SizeThere is { } there)
        {
            await RequireSameAsync(item, there, check.VerifyAsync, cancellation);
            if (IsFirstTime(item.Key))
            {
                Interlocked.Increment(ref _present);
            }

            return 0;
        }

        if (!options.DryRun)
        {
            await CopyAsync(item, check.VerifyAsync, cancellation);
            if (check.NotAuthenticated is { } reason)
            {
                Interlocked.Increment(ref _unauthenticated);
                UnauthenticatedReason = reason;
            }
        }

        if (IsFirstTime(item.Key))
        {
            Interlocked.Increment(ref _copied);
            Interlocked.Add(ref _copiedBytes, item.Size);
        }

        return item.Size;
    }

    // An object may be met more than once, in a backup and in the rest. Digests instead of keys, because there may be millions.
    bool IsFirstTime(string key)
    {
        var digest = BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        lock (_counted)
        {
            return _counted.Add(digest);
        }
    }

    async Task RequireSameAsync(ObjectDifference item, long there, ObjectVerifier verify, CancellationToken cancellation)
    {
        // Documents may be rewritten without changing their length, and are small.
        var byContent = options.ReadBack || RepositoryKey.Parse(item.Key).Kind
            is RepositoryKeyKind.DataKey or RepositoryKeyKind.Service or RepositoryKeyKind.Backup or RepositoryKeyKind.DumpEntry or RepositoryKeyKind.DumpSums or RepositoryKeyKind.Drill or RepositoryKeyKind.Audit;
        if (there == item.Size && !(byContent && (await GuardedAsync(item, verify, () => copy.CompareAsync(source, destination!, item.Key, verify, item.Size, cancellation), cancellation))
                .Outcome == ObjectCopyOutcome.Conflict))
        {
            return;
        }

        await RequireEquivalentAsync(item, $"{there} bytes there, {item.Size} here", cancellation);
        if (options.ReadBack)
        {
            // The same by its clear text: whether it is whole, only opening it tells.
            var check = new TransferCheck(opener, digest: null, (_, _, _) => Task.CompletedTask);
            await copy.CheckAsync(destination!, item.Key, check.VerifyAsync, there, cancellation);
        }
    }

    async Task CopyAsync(ObjectDifference item, ObjectVerifier verify, CancellationToken cancellation)
    {
        var result = await GuardedAsync(
            item, verify, () => copy.CopyAsync(source, destination!, item.Key, verify, item.Size, PutMode.CreateNew, cancellation), cancellation);
        if (result.Outcome == ObjectCopyOutcome.Conflict)
        {
            await RequireEquivalentAsync(item, "it was put there meanwhile", cancellation);
        }
    }

    async Task RequireEquivalentAsync(ObjectDifference item, string detail, CancellationToken cancellation)
    {
        try
        {
            if (await EquivalentObjects.AreAsync(source, destination!, item.Key, cancellation))
            {
                return;
            }
        }
        catch (DamagedObjectException e)
        {
            detail = $"{detail}; {e.Message}";
        }

        throw Conflict(item.Key, detail);
    }

    ConflictException Conflict(string key, string detail) => new(
        $"repository \"{destination!.Name}\", object \"{key}\" has other content than in \"{source.Name}\" ({detail}); it was left as it is",
        "look at both with `pitr repo get`; remove the wrong one with `pitr repo rm` and repeat the copy");

    // Says also where a whole one is, while everything that is needed to find out is at hand.
    async Task<ObjectCopyResult> GuardedAsync(ObjectDifference item, ObjectVerifier verify, Func<Task<ObjectCopyResult>> work, CancellationToken cancellation)
    {
        try
        {
            return await work();
        }
        catch (DamagedRepositoryException e)
        {
            foreach (var other in others)
            {
                if (await HoldsWholeAsync(other, item, verify, cancellation))
                {
                    throw new DamagedRepositoryException(
                        $"{e.Message}; repository \"{other.Name}\" holds it whole",
                        $"`pitr repo copy {other.Name} {destination?.Name}` brings it from there", e);
                }
            }

            throw;
        }
    }

    async Task<bool> HoldsWholeAsync(IObjectStore other, ObjectDifference item, ObjectVerifier verify, CancellationToken cancellation)
    {
        try
        {
            if (await other.StatAsync(item.Key, cancellation) is not { } info)
            {
                return false;
            }

            await copy.CheckAsync(other, item.Key, verify, info.Size, cancellation);
            return true;
        }
        catch (Exception e) when (e is StorageException or DamagedRepositoryException or UnsupportedFormatException)
        {
            // Not from there, then: the answer is about the source.
            return false;
        }
    }

    // A key made after the copy began would otherwise come after what it opens, or, if the copy is cut short, not at all.
    async Task RequireDataKeyAsync(string key, ObjectContent content, CancellationToken cancellation)
    {
        var place = RepositoryKey.Parse(key);
        if (place is { Service: { } service, Kind: RepositoryKeyKind.Wal or RepositoryKeyKind.WalPiece or RepositoryKeyKind.Manifest or RepositoryKeyKind.Pack or RepositoryKeyKind.Dump or RepositoryKeyKind.DumpManifest } && !options.DryRun)
        {
            await using var stream = content.OpenRead();
            var id = (await SealedObjectReader.ReadHeaderAsync(stream, cancellation)).KeyId;
            await _keys.GetOrAdd((service, id.ToString()), _ => new Lazy<Task>(() => BringDataKeyAsync(service, id, cancellation))).Value;
        }
    }

    async Task BringDataKeyAsync(ServiceName service, DataKeyId id, CancellationToken cancellation)
    {
        var found = false;
        foreach (var key in new[] { RepositoryLayout.DataKey(id), RepositoryLayout.ServiceDataKey(service, id) })
        {
            if (await ObjectDifference.FindAsync(source, destination, key, cancellation) is { } item)
            {
                found |= item.SizeThere is not null || await BringOneAsync(item, digests: null, cancellation);
            }
            else
            {
                found |= await destination!.ExistsAsync(key, cancellation);
            }
        }

        if (!found)
        {
            throw new KeyUnavailableException(
                $"repository \"{source.Name}\" has no whole document of data key {id} of service {service}: what is sealed with it cannot be opened from there",
                $"bring {RepositoryLayout.DataKey(id)} back from another copy of the repository, and repeat the copy");
        }
    }
}
