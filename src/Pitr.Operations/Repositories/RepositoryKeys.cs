using System.Collections.Concurrent;
using Pitr.Format;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Keys;
using Pitr.Operations.Services;
using Pitr.Storage;
using Serilog.Core;

namespace Pitr.Operations.Repositories;

/// <summary>
/// Finds the data keys of any service in a repository, also of services that this host's configuration does not know. Safe for use from
/// several threads.
/// </summary>
/// <param name="configuration">Says where the identity and this host's own data keys lie.</param>
/// <param name="stores">Where key documents are looked for; not disposed here.</param>
/// <param name="clock">Source of time.</param>
/// <param name="askPassphrase">Asked when the identity is passphrase-protected and the configuration has no passphrase.</param>
public sealed class RepositoryKeys(
    PitrConfiguration configuration, IReadOnlyList<IObjectStore> stores, TimeProvider clock, Func<string?>? askPassphrase) : IDisposable
{
    readonly ConcurrentDictionary<ServiceName, Lazy<DataKeyRing>> _rings = new();
    readonly Lock _opening = new();
    Identity? _identity;

    /// <summary>Whether an identity is configured and there. Without one only what this host sealed lately can be opened.</summary>
    public bool HasIdentity => configuration.Encryption.IdentityFile is { } path && File.Exists(path);

    /// <summary>The data key of an object.</summary>
    /// <param name="service">Whose the object is.</param>
    /// <param name="id">The data key its header names.</param>
    /// <exception cref="KeyUnavailableException">No copy of the key document exists, or the identity does not open it.</exception>
    /// <exception cref="DamagedRepositoryException">Every copy of the key document is damaged.</exception>
    public Task<DataKey> GetAsync(ServiceName service, DataKeyId id, CancellationToken cancellation) =>
        _rings.GetOrAdd(service, name => new Lazy<DataKeyRing>(() => Open(name))).Value.GetAsync(id, cancellation);

    /// <summary>Opens the data key in a key document with the identity, to see that it can be opened.</summary>
    /// <exception cref="DamagedObjectException">It is wrapped to the identity and does not open.</exception>
    /// <exception cref="KeyUnavailableException">It is not wrapped to the identity, or there is none.</exception>
    public void RequireOpens(KeyDocument document)
    {
        ArgumentNullException.ThrowIfNull(document);
        lock (_opening)
        {
            _identity ??= IdentityFile.Load(configuration.Encryption, askPassphrase);
            try
            {
                document.Unwrap(_identity).Dispose();
            }
            catch (WrongIdentityException e)
            {
                throw new KeyUnavailableException(e.Message, "only an identity it is wrapped to can tell whether the document is whole", e);
            }
        }
    }

    DataKeyRing Open(ServiceName service)
    {
        var state = Path.Combine(configuration.StateDirectory, "services", service.Value);
        return new(
            service,
            new RepositorySet(stores, stores.Count, new DebtLedger(DebtLedger.DirectoryBelow(state)), clock, Logger.None),
            new DataKeyCache(state, clock),
            () => IdentityFile.Load(configuration.Encryption, askPassphrase));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var ring in _rings.Values.Where(ring => ring.IsValueCreated))
        {
            ring.Value.Dispose();
        }

        _identity?.Dispose();
    }
}
