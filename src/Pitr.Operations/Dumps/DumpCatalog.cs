using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;

namespace Pitr.Operations.Dumps;

/// <summary>The dumps of a service: those whose dump.json exists, since that file is written last.</summary>
public sealed class DumpCatalog(DumpService service)
{
    readonly CatalogEntries<DumpDocument> _entries = new(
        service, RepositoryLayout.DumpsPrefix(service.Name), id => RepositoryLayout.Dump(service.Name, id), json => DumpDocument.Parse(json));

    /// <inheritdoc cref="CatalogEntries{T}.ListAsync"/>
    public Task<IReadOnlyList<DumpDocument>> ListAsync(CancellationToken cancellation) => _entries.ListAsync(cancellation);

    /// <summary>One dump, or the newest.</summary>
    /// <param name="id">Its id; null for the newest.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <exception cref="ImpossiblePlanException">There is none.</exception>
    /// <exception cref="RepositoryUnavailableException">The newest is asked for, and a repository that may hold it did not answer.</exception>
    public async Task<DumpDocument> ChooseAsync(BackupId? id, CancellationToken cancellation)
    {
        if (id is { } named)
        {
            return await _entries.FindAsync(named, cancellation) ?? throw new ImpossiblePlanException($"there is no backup {named} of service {service.Name}", $"`pitr info {service.Name}` lists those there are");
        }

        var all = await ListAsync(cancellation);
        service.Repositories.RequireComplete();
        return all.LastOrDefault() ?? throw new ImpossiblePlanException($"there is no backup of service {service.Name} yet", $"take one: pitr backup {service.Name}");
    }
}
