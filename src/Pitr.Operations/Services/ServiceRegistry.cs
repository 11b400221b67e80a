using System.Collections.Concurrent;
using System.Globalization;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Services;

/// <summary>
/// Binds a service name to the one cluster it protects (service.json). The first cluster that writes under a name owns it;
/// any other is refused, so two clusters can never overwrite each other's WAL.
/// </summary>
public sealed class ServiceRegistry(PostgresService service)
{
    // As often as the key documents: a repository that was emptied or exchanged under a running agent gets its service.json again.
    static readonly TimeSpan Recheck = TimeSpan.FromSeconds(30);

    readonly ConcurrentDictionary<IObjectStore, (ulong Owner, long Since)> _checked = new();

    /// <summary>Makes sure this cluster owns the service name in the repositories, as many as are required, claiming it where nobody does yet.</summary>
    /// <param name="systemIdentifier">The cluster's.</param>
    /// <param name="majorVersion">PostgreSQL's major version, e.g. 15.</param>
    /// <param name="walSegmentBytes">The cluster's segment size.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="ConflictException">The name belongs to another cluster.</exception>
    public Task ClaimAsync(ulong systemIdentifier, int majorVersion, int walSegmentBytes, CancellationToken cancellation) => service.Repositories.WriteAsync(
        [RepositoryLayout.ServiceDocument(service.Name)],
        Laggards.Await,
        (store, token) => ClaimAsync(store, systemIdentifier, majorVersion, walSegmentBytes, token),
        cancellation);

    /// <summary>Makes sure this cluster owns the service name in a repository, claiming it when nobody does yet.</summary>
    /// <param name="store">One repository.</param>
    /// <param name="systemIdentifier">The cluster's.</param>
    /// <param name="majorVersion">PostgreSQL's major version, e.g. 15.</param>
    /// <param name="walSegmentBytes">The cluster's segment size.</param>
    /// <exception cref="ConflictException">The name belongs to another cluster.</exception>
    public async Task ClaimAsync(IObjectStore store, ulong systemIdentifier, int majorVersion, int walSegmentBytes, CancellationToken cancellation)
    {
        if (_checked.TryGetValue(store, out var known) && service.Clock.GetElapsedTime(known.Since) < Recheck)
        {
            RequireOwner(store, known.Owner, systemIdentifier);
            return;
        }

        var document = await ReadAsync(store, cancellation);
        if (document is null)
        {
            await RepositorySet.RequireInitialisedAsync(store, cancellation);
            var now = service.Clock.GetUtcNow();
            document = new ServiceDocument
            {
                Name = service.Name.ToString(),
                Kind = PostgresServiceSettings.KindName,
                Created = now,
                SystemIdentifiers = [new SystemIdentifierRecord(systemIdentifier.ToString(CultureInfo.InvariantCulture), majorVersion, walSegmentBytes, now)],
            };
            try
            {
                await store.PutAsync(RepositoryLayout.ServiceDocument(service.Name), ObjectContent.FromMemory(document.ToJson()), PutMode.CreateNew, cancellation);
            }
            catch (ObjectExistsException)
            {
                document = (await ReadAsync(store, cancellation))!;
            }
        }

        var owner = ulong.Parse(document.SystemIdentifiers[^1].SystemIdentifier, CultureInfo.InvariantCulture);
        RequireOwner(store, owner, systemIdentifier);
        _checked[store] = (owner, service.Clock.GetTimestamp());
    }

    /// <summary>The service's document in a repository, with at least one cluster in it; null when the name is free.</summary>
    /// <exception cref="DamagedRepositoryException">It is there and makes no sense.</exception>
    public async Task<ServiceDocument?> ReadAsync(IObjectStore store, CancellationToken cancellation)
    {
        var key = RepositoryLayout.ServiceDocument(service.Name);
        var json = await store.TryReadAllAsync(key, cancellation);
        try
        {
            return json is null ? null : Parse(json);
        }
        catch (DamagedObjectException e)
        {
            throw new DamagedRepositoryException(
                $"{store.Name}: {key} is damaged: {e.Message}",
                "bring it back from another copy of the repository; it says which cluster the service name belongs to",
                e);
        }
    }

    internal static ServiceDocument Parse(byte[] json)
    {
        var document = ServiceDocument.Parse(json);
        if (document.Kind != PostgresServiceSettings.KindName)
        {
            throw new ConflictException(
                $"service {document.Name} is of kind {document.Kind} in the repository, not {PostgresServiceSettings.KindName}", "give this cluster a service name of its own in the configuration; nothing was written");
        }

        return document.SystemIdentifiers is [.., var last]
            && ulong.TryParse(last.SystemIdentifier, NumberStyles.None, CultureInfo.InvariantCulture, out _)
            && WalSegmentSize.IsValid(last.WalSegmentSize)
            ? document
            : throw new DamagedObjectException("it names no cluster with a system identifier and a WAL segment size");
    }

    void RequireOwner(IObjectStore store, ulong owner, ulong systemIdentifier)
    {
        if (owner != systemIdentifier)
        {
            throw new ConflictException(
                $"service {service.Name} in repository {store.Name} belongs to the cluster with system identifier {owner}; this cluster has {systemIdentifier}",
                "give this cluster a service name of its own in the configuration (also after pg_upgrade or a new initdb); nothing was written");
        }
    }
}
