using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Services;

/// <summary>Binds a service name to its kind (service.json), so that one name never holds dumps of one thing and backups of another. For every kind but postgres.</summary>
sealed class KindRegistry(OpenedService service)
{
    /// <summary>Makes sure that the name is of this kind in the repositories, as many as are required, claiming it where nobody does yet.</summary>
    /// <exception cref="ConflictException">It is of another kind.</exception>
    public Task ClaimAsync(CancellationToken cancellation) => service.Repositories.WriteAsync([RepositoryLayout.ServiceDocument(service.Name)], Laggards.Await, ClaimAsync, cancellation);

    /// <summary>Reads one.</summary>
    /// <exception cref="DamagedObjectException">It is not one, or of another kind.</exception>
    internal static ServiceDocument Parse(byte[] json, string kind) => ServiceDocument.Parse(json) is var document && document.Kind == kind
        ? document
        : throw new DamagedObjectException($"the service is of kind {document.Kind} there, not {kind}");

    async Task ClaimAsync(IObjectStore store, CancellationToken cancellation)
    {
        var key = RepositoryLayout.ServiceDocument(service.Name);
        if (await store.TryReadAllAsync(key, cancellation) is { } json)
        {
            RequireKind(store, key, json);
            return;
        }

        await RepositorySet.RequireInitialisedAsync(store, cancellation);
        var document = new ServiceDocument { Name = service.Name.Value, Kind = service.Kind, Created = service.Clock.GetUtcNow() };
        try
        {
            await store.PutAsync(key, ObjectContent.FromMemory(document.ToJson()), PutMode.CreateNew, cancellation);
        }
        catch (ObjectExistsException)
        {
            RequireKind(store, key, await store.ReadAllAsync(key, cancellation));
        }
    }

    void RequireKind(IObjectStore store, string key, byte[] json)
    {
        ServiceDocument document;
        try
        {
            document = ServiceDocument.Parse(json);
        }
        catch (DamagedObjectException e)
        {
            throw new DamagedRepositoryException($"{store.Name}: {key} is damaged: {e.Message}", "bring it back from another copy of the repository; it says what the service is", e);
        }

        if (document.Kind != service.Kind)
        {
            throw new ConflictException(
                $"service {service.Name} in repository {store.Name} is of kind {document.Kind}, not {service.Kind}", "give it a service name of its own in the configuration; nothing was written");
        }
    }
}
