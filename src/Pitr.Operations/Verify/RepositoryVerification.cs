using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Operations.Dumps;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Verify;

/// <summary>Verifies all of a service in one repository but its WAL.</summary>
sealed class RepositoryVerification
{
    const string NoWayBack = "bring it back from another repository or an older copy of this one; nothing that is restored depends on it";

    readonly VerifyScope _scope;
    readonly DocumentVerifier _documents;
    readonly KeyVerifier _keys;
    long _others;

    RepositoryVerification(VerifyScope scope, VerifyProgress progress)
    {
        _scope = scope;
        _documents = new DocumentVerifier(scope);
        _keys = new KeyVerifier(scope, _documents);
        Backups = scope.Service is DumpService ? new DumpVerifier(scope, _documents, progress) : new BackupVerifier(scope, _documents, progress);
    }

    /// <summary>The repository.</summary>
    public IObjectStore Store => _scope.Store;

    /// <summary>What is remembered of it.</summary>
    public VerifiedObjects Verified => _scope.Verified;

    /// <summary>Its backups.</summary>
    public CatalogVerifier Backups { get; }

    /// <summary>Its service.json; null when there is none, or a damaged one.</summary>
    public ServiceDocument? Service { get; private set; }

    /// <summary>Whether anything of the service is there.</summary>
    public bool HasAnything { get; private set; }

    /// <summary>Opens a repository: it must be one.</summary>
    /// <exception cref="RepositoryUnavailableException">There is none.</exception>
    /// <exception cref="StorageException">It could not be asked.</exception>
    public static async Task<RepositoryVerification> OpenAsync(
        OpenedService service, IObjectStore store, VerifyOptions options, Findings findings, VerifyProgress progress, CancellationToken cancellation)
    {
        progress.Begin($"{store.Name}: reading the catalog", 0);
        string? path = Path.Combine(service.StateDirectory, "verified", store.Name);
        var now = service.Clock.GetUtcNow();
        var json = await store.TryReadAllAsync(RepositoryLayout.Repository, cancellation);
        if (json is null)
        {
            // Says why and what to do.
            await RepositorySet.RequireInitialisedAsync(store, cancellation);
        }

        string id;
        try
        {
            DocumentDigest.Require(json);
            id = RepositoryDocument.Parse(json).RepositoryId;
        }
        catch (DamagedObjectException e)
        {
            findings.Add(FindingKind.Damaged, store.Name, RepositoryLayout.Repository, e.Message, "bring it back from an older copy of the repository; every command reads it first");
            // Which repository it is cannot be told.
            (id, path) = ("", null);
        }

        return new RepositoryVerification(new VerifyScope(service, store, VerifiedObjects.Load(path, id, now), options, findings, progress), progress);
    }

    /// <summary>Reads service.json and the key documents.</summary>
    /// <exception cref="KeyUnavailableException">There is no identity, or not the right one.</exception>
    /// <exception cref="StorageException">The repository could not be read.</exception>
    public async Task ReadServiceAsync(CancellationToken cancellation)
    {
        var key = RepositoryLayout.ServiceDocument(_scope.Name);
        var (json, isRight) = await _documents.ReadAsync(key, "bring it back from another repository of the service; it says which cluster the name belongs to", cancellation);
        await foreach (var _ in Store.ListAsync(RepositoryLayout.ServicePrefix(_scope.Name), ListMode.Children, cancellation))
        {
            HasAnything = true;
            break;
        }

        if (json is null && HasAnything && !_scope.IsOwed(key))
        {
            _scope.Find(FindingKind.Missing, key, "is missing, and other objects of the service are there", "bring it back from another repository; a backup or a segment that is archived writes it anew");
        }

        if (isRight)
        {
            try
            {
                Service = _scope.Service is PostgresService ? ServiceRegistry.Parse(json!) : KindRegistry.Parse(json!, _scope.Service.Kind);
            }
            catch (DamagedObjectException e)
            {
                _scope.Find(FindingKind.Damaged, key, e.Message, NoWayBack);
            }
        }

        await _keys.RunAsync(cancellation);
    }

    /// <summary>Reads catalog and documents, then manifests and packs.</summary>
    /// <param name="systemIdentifiers">The clusters that the service has been, as decimal text; empty when that is not known.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="StorageException">The repository could not be read.</exception>
    public async Task ReadBackupsAsync(IReadOnlySet<string> systemIdentifiers, CancellationToken cancellation)
    {
        await Backups.ReadCatalogAsync(systemIdentifiers, cancellation);
        await _documents.VerifyAllAsync(RepositoryLayout.DrillsPrefix(_scope.Name), NoWayBack, cancellation);
        await _documents.VerifyAllAsync(RepositoryLayout.AuditPrefix(_scope.Name), NoWayBack, cancellation);
        await VerifyLeasesAsync(cancellation);
        await Backups.ReadContentAsync(cancellation);
    }

    /// <summary>Makes sure that no data key is lost, when it is known which are in use.</summary>
    /// <param name="found">Data keys that something was opened with.</param>
    public void RequireKeys(IEnumerable<DataKeyId> found) => _keys.RequireUsed(found.Concat(Backups.DataKeys).Concat(Verified.Keys));

    /// <summary>What was verified.</summary>
    /// <param name="unanswered">Why it could not be asked to the end; null when it was.</param>
    public VerifiedCopy Report(string? unanswered)
    {
        var (documents, manifests, packs, bytes) = _scope.Read;
        return new VerifiedCopy(Store.Name)
        {
            Unanswered = unanswered,
            Backups = Backups.Digests.Count,
            Packs = Backups.Packs,
            PacksRead = packs,
            PacksFresh = Backups.PacksFresh,
            ManifestsRead = manifests,
            DocumentsRead = documents,
            BytesRead = bytes,
            Unreferenced = Backups.Unreferenced.Count,
            UnreferencedBytes = Backups.Unreferenced.Bytes,
            Unknown = Backups.Unknown + _others,
            Owed = _scope.Service.Repositories.Debts.Owed(Store.Name).Count(),
        };
    }

    // Somebody may be renewing one in this moment, or giving it back.
    async Task VerifyLeasesAsync(CancellationToken cancellation)
    {
        await foreach (var item in Store.ListAsync(RepositoryLayout.LocksPrefix(_scope.Name), ListMode.Recursive, cancellation))
        {
            await _documents.ReadAsync(item.Key, "it expires by itself: whoever works next replaces it", cancellation);
        }

        await foreach (var item in Store.ListAsync(RepositoryLayout.ServicePrefix(_scope.Name), ListMode.Children, cancellation))
        {
            _others += !item.IsPrefix && RepositoryKey.Parse(item.Key).Kind == RepositoryKeyKind.Other ? 1 : 0;
        }
    }
}
