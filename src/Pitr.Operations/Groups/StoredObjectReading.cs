using System.Security.Cryptography;
using Pitr.Format.Catalog;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Groups;

/// <summary>Reads objects back and holds them against the length and the SHA-256 with which they were stored. One good copy will do.</summary>
/// <param name="service">The service.</param>
sealed class StoredObjectReading(OpenedService service)
{
    const int AtOnce = 4;

    /// <summary>Reads them all.</summary>
    /// <param name="objects">What has to be there.</param>
    /// <param name="phase">What this is, in words.</param>
    /// <param name="progress">Told how many bytes are read.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="DamagedRepositoryException">One is damaged in every repository, or in none.</exception>
    /// <exception cref="StorageException">A repository does not answer.</exception>
    public async Task RequireAsync(IEnumerable<StoredObject> objects, string phase, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var all = objects.ToArray();
        var (total, done) = (all.Sum(o => o.Size), 0L);
        await Parallel.ForEachAsync(
            all,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            async (item, token) =>
            {
                var asked = await service.Repositories.AskFirstAsync((store, asking) => ReadAsync(store, item, asking), item.Size, token);
                if (!asked.IsAnswered)
                {
                    throw asked.IsProvenAbsent
                        ? new DamagedRepositoryException($"{item.Key} of service {service.Name} is in no repository; nothing was changed", "bring it back from another copy of the repository, or choose a moment before that backup")
                        : asked.Failure;
                }

                progress?.Report(new RestoreProgress(phase, Interlocked.Add(ref done, item.Size), total));
            });
    }

    static async Task<bool> ReadAsync(IObjectStore store, StoredObject item, CancellationToken cancellation)
    {
        await using var source = await store.OpenReadAsync(item.Key, range: null, cancellation);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = new byte[256 << 10];
        var length = 0L;
        while (await source.ReadAsync(block, cancellation) is > 0 and var read)
        {
            hash.AppendData(block, 0, read);
            length += read;
        }

        return length == item.Size && Convert.ToHexStringLower(hash.GetHashAndReset()) == item.Sha256
            ? true
            : throw new DamagedRepositoryException(
                $"repository {store.Name}: {item.Key} is not what was stored: {length} bytes instead of {item.Size}, or other ones", "another repository may hold it whole, or an older backup: `pitr verify` tells");
    }
}
