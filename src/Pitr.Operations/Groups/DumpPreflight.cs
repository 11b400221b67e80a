using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Operations.Dumps;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Groups;

/// <summary>Chooses a dump for the restore of a group, and reads all of it back before anything is changed.</summary>
/// <param name="service">The service.</param>
sealed class DumpPreflight(DumpService service)
{
    /// <summary>The newest dump, or the newest that had ended at a moment: none of what it holds is younger.</summary>
    /// <param name="until">The moment; null for the newest.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <returns>Its entry, what it consists of, and why it was chosen.</returns>
    /// <exception cref="ImpossiblePlanException">There is none.</exception>
    /// <exception cref="DamagedRepositoryException">Its manifest is damaged in every repository, or in none.</exception>
    public async Task<(DumpDocument Entry, DumpManifest Manifest, string Why)> ChooseAsync(DateTimeOffset? until, CancellationToken cancellation)
    {
        var (entry, why) = await FindAsync(until, cancellation);
        return (entry, await CompleteAsync(entry, () => new DumpReader(service).ReadManifestAsync(entry, cancellation)), why);
    }

    /// <summary>Fetches and opens every part of a dump.</summary>
    /// <exception cref="DamagedRepositoryException">Something is damaged in every repository, or in none.</exception>
    public Task ReadAsync(DumpDocument entry, DumpManifest manifest, IProgress<RestoreProgress>? progress, CancellationToken cancellation) => CompleteAsync(entry, async () =>
    {
        var reader = new DumpReader(service);
        var before = 0L;
        foreach (var stream in manifest.Streams)
        {
            var done = before;
            await reader.CopyAsync(manifest, stream, Stream.Null, bytes => progress?.Report(new RestoreProgress($"{service.Name}: reading backup {entry.Id}", done + bytes, entry.Bytes)), cancellation);
            before += stream.Bytes;
        }

        return manifest;
    });

    async Task<(DumpDocument Entry, string Why)> FindAsync(DateTimeOffset? until, CancellationToken cancellation)
    {
        var catalog = new DumpCatalog(service);
        if (until is not { } moment)
        {
            return (await catalog.ChooseAsync(null, cancellation), "the newest");
        }

        var all = await catalog.ListAsync(cancellation);
        service.Repositories.RequireComplete();
        return all.LastOrDefault(entry => entry.Finished <= moment) is { } chosen
            ? (chosen, string.Create(CultureInfo.InvariantCulture, $"the newest that had ended by then: a dump has one moment, {(moment - chosen.Started).TotalMinutes:0.0} min before"))
            : throw new ImpossiblePlanException(
                $"no backup of service {service.Name} had ended by {moment.UtcDateTime:yyyy-MM-dd HH:mm:ss'Z'}; nothing was changed",
                all.Count == 0 ? $"take one: pitr backup {service.Name}" : $"its oldest ended at {all[0].Finished.UtcDateTime:yyyy-MM-dd HH:mm:ss'Z'}: `pitr info {service.Name}` lists them");
    }

    async Task<DumpManifest> CompleteAsync(DumpDocument entry, Func<Task<DumpManifest>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (e is ObjectNotFoundException or DamagedRepositoryException { InnerException: ObjectNotFoundException })
        {
            throw new DamagedRepositoryException(
                $"backup {entry.Id} of service {service.Name} is not complete: {e.Message}; nothing was changed", "choose a moment before it with --target-time, or bring the object back from another copy of the repository", e);
        }
    }
}
