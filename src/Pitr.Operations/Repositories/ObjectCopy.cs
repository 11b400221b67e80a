using System.Buffers;
using Pitr.Format;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>
/// Copies one object as it is stored from one repository to another. Nothing is put before all of it was read and checked, so what
/// is damaged or half in the source never gets into the destination. Safe for use from several threads.
/// </summary>
/// <param name="spoolDirectory">Where objects above the memory limit wait while they are checked; a private directory, made when needed.</param>
/// <param name="memoryLimit">Bytes of one object that are held in memory.</param>
public sealed class ObjectCopy(string spoolDirectory, int memoryLimit = ObjectCopy.DefaultMemoryLimit)
{
    /// <summary>32 MiB, the size of most packs.</summary>
    public const int DefaultMemoryLimit = 32 << 20;

    const int CompareBlock = 256 << 10;

    /// <summary>Copies an object.</summary>
    /// <param name="source">Where it is.</param>
    /// <param name="destination">Where it shall be.</param>
    /// <param name="key">Its key in both.</param>
    /// <param name="verify">
    /// Decides with the caller's keys whether the bytes are right. What can be said without keys (<see cref="ObjectStructure"/>) is checked in any case.
    /// </param>
    /// <param name="size">Bytes it must have, from a listing; null asks the source.</param>
    /// <param name="mode">What to do about other bytes in the destination: leave them and answer <see cref="ObjectCopyOutcome.Conflict"/>, or replace them.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="ObjectNotFoundException">The source does not have it.</exception>
    /// <exception cref="StorageException">One of the repositories could not be asked or refused.</exception>
    /// <exception cref="DamagedRepositoryException">The source's object is not what it should be. The destination was not touched.</exception>
    /// <exception cref="ImpossiblePlanException">The spool directory cannot be written.</exception>
    public async Task<ObjectCopyResult> CopyAsync(
        IObjectStore source,
        IObjectStore destination,
        string key,
        ObjectVerifier? verify = null,
        long? size = null,
        PutMode mode = PutMode.CreateNew,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        size ??= (await source.StatAsync(key, cancellation) ?? throw new ObjectNotFoundException(source.Name, key)).Size;
        using var content = await SpooledObject.ReadAsync(source, key, size.Value, memoryLimit, spoolDirectory, cancellation);
        await RequireWholeAsync(source, key, content, verify, cancellation);
        return new ObjectCopyResult(key, await PutAsync(destination, key, content, mode, cancellation), content.Length);
    }

    /// <summary>Holds the destination's object against the source's, which is checked as <see cref="CopyAsync"/> does. Changes nothing.</summary>
    /// <returns><see cref="ObjectCopyOutcome.AlreadyThere"/>, or <see cref="ObjectCopyOutcome.Conflict"/> for other bytes and for none.</returns>
    /// <inheritdoc cref="CopyAsync"/>
    public async Task<ObjectCopyResult> CompareAsync(
        IObjectStore source, IObjectStore destination, string key, ObjectVerifier? verify, long size, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        using var content = await SpooledObject.ReadAsync(source, key, size, memoryLimit, spoolDirectory, cancellation);
        await RequireWholeAsync(source, key, content, verify, cancellation);
        var outcome = await IsThereAsync(destination, key, content, cancellation) ? ObjectCopyOutcome.AlreadyThere : ObjectCopyOutcome.Conflict;
        return new ObjectCopyResult(key, outcome, content.Length);
    }

    /// <summary>Checks the source's object as <see cref="CopyAsync"/> does, without copying it.</summary>
    /// <inheritdoc cref="CopyAsync"/>
    public async Task CheckAsync(IObjectStore source, string key, ObjectVerifier? verify, long size, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(source);
        using var content = await SpooledObject.ReadAsync(source, key, size, memoryLimit, spoolDirectory, cancellation);
        await RequireWholeAsync(source, key, content, verify, cancellation);
    }

    static async Task RequireWholeAsync(IObjectStore source, string key, ObjectContent content, ObjectVerifier? verify, CancellationToken cancellation)
    {
        try
        {
            await ObjectStructure.RequireAsync(key, content, cancellation);
            if (verify is not null)
            {
                await verify(key, content, cancellation);
            }
        }
        catch (DamagedObjectException e)
        {
            throw new DamagedRepositoryException(
                $"repository \"{source.Name}\", object \"{key}\" is damaged: {e.Message}",
                "another repository of the service may hold it whole",
                e);
        }
        catch (UnsupportedFormatException e)
        {
            throw new UnsupportedFormatException($"repository \"{source.Name}\", object \"{key}\": {e.Message}", e);
        }
    }

    static async Task<ObjectCopyOutcome> PutAsync(IObjectStore destination, string key, ObjectContent content, PutMode mode, CancellationToken cancellation)
    {
        if (mode == PutMode.Replace && await IsThereAsync(destination, key, content, cancellation))
        {
            return ObjectCopyOutcome.AlreadyThere;
        }

        try
        {
            await destination.PutAsync(key, content, mode, cancellation);
            return ObjectCopyOutcome.Copied;
        }
        catch (ObjectExistsException)
        {
            return await IsThereAsync(destination, key, content, cancellation) ? ObjectCopyOutcome.AlreadyThere : ObjectCopyOutcome.Conflict;
        }
    }

    static async Task<bool> IsThereAsync(IObjectStore destination, string key, ObjectContent content, CancellationToken cancellation)
    {
        if (await destination.StatAsync(key, cancellation) is not { } there || there.Size != content.Length)
        {
            return false;
        }

        await using var theirs = await destination.OpenReadAsync(key, range: null, cancellation);
        await using var ours = content.OpenRead();
        return await AreEqualAsync(ours, theirs, cancellation);
    }

    static async Task<bool> AreEqualAsync(Stream ours, Stream theirs, CancellationToken cancellation)
    {
        var left = ArrayPool<byte>.Shared.Rent(CompareBlock);
        var right = ArrayPool<byte>.Shared.Rent(CompareBlock);
        try
        {
            while (true)
            {
                var leftLength = await ours.ReadAtLeastAsync(left, left.Length, throwOnEndOfStream: false, cancellation);
                var rightLength = await theirs.ReadAtLeastAsync(right, right.Length, throwOnEndOfStream: false, cancellation);
                if (!left.AsSpan(0, leftLength).SequenceEqual(right.AsSpan(0, rightLength)))
                {
                    return false;
                }

                if (leftLength == 0)
                {
                    return true;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(left);
            ArrayPool<byte>.Shared.Return(right);
        }
    }
}
