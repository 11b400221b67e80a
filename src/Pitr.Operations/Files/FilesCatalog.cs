using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Backup;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;

namespace Pitr.Operations.Files;

/// <summary>The backups of a service of kind files.</summary>
/// <param name="service">The service.</param>
public sealed class FilesCatalog(FilesService service)
{
    /// <summary>Finds a backup, or the newest.</summary>
    /// <param name="id">Which; null for the newest.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <exception cref="ImpossiblePlanException">There is none.</exception>
    public async Task<BackupDocument> ChooseAsync(BackupId? id, CancellationToken cancellation)
    {
        var catalog = new BackupCatalog(service);
        if (id is { } named)
        {
            return await catalog.FindAsync(named, cancellation) ?? throw new ImpossiblePlanException($"there is no backup {named} of service {service.Name}", $"`pitr info {service.Name}` lists those there are");
        }

        var all = await catalog.ListAsync(cancellation);
        service.Repositories.RequireComplete();
        return all.LastOrDefault() ?? throw new ImpossiblePlanException($"there is no backup of service {service.Name} yet", $"take one: pitr backup {service.Name}");
    }
}
