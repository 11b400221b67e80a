using Pitr.Format.Layout;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Verify;

/// <summary>What everybody needs who verifies a part of one repository. Safe for use from several threads.</summary>
/// <param name="service">The service.</param>
/// <param name="store">The repository.</param>
/// <param name="verified">What is remembered of it.</param>
/// <param name="options">What is read back.</param>
/// <param name="findings">Told what is wrong.</param>
/// <param name="progress">Told what was read.</param>
sealed class VerifyScope(PackedService service, IObjectStore store, VerifiedObjects verified, VerifyOptions options, Findings findings, VerifyProgress progress)
{
    long _documents;
    long _manifests;
    long _packs;
    long _bytes;

    public PackedService Service => service;

    public ServiceName Name => service.Name;

    public IObjectStore Store => store;

    public VerifiedObjects Verified => verified;

    public VerifyOptions Options => options;

    /// <summary>What was verified before this is read again.</summary>
    public DateTimeOffset FreshSince { get; } = options.FreshSince(service.Clock.GetUtcNow(), service.Verify);

    /// <summary>Documents, manifests, packs and bytes that were read.</summary>
    public (long Documents, long Manifests, long Packs, long Bytes) Read => (_documents, _manifests, _packs, _bytes);

    /// <summary>Reports something that is wrong in this repository.</summary>
    public void Find(FindingKind kind, string key, string text, string? hint) => findings.Add(kind, store.Name, key, text, hint);

    /// <summary>Whether the repository is owed an object: then it is known that it is missing.</summary>
    public bool IsOwed(string key) => service.Repositories.Debts.IsOwed(store.Name, key);

    /// <summary>Whether an object as it is now was verified lately.</summary>
    public bool IsFresh(ulong mark) => verified.IsFresh(mark, FreshSince);

    /// <summary>Remembers that an object was verified now.</summary>
    public void Remember(ulong mark) => verified.Add(mark, service.Clock.GetUtcNow());

    public void CountDocument(long bytes)
    {
        Interlocked.Increment(ref _documents);
        Interlocked.Add(ref _bytes, bytes);
    }

    public void CountManifest() => Interlocked.Increment(ref _manifests);

    public void CountPack() => Interlocked.Increment(ref _packs);

    /// <summary>Counts bytes of manifests and packs, as they are read.</summary>
    public void CountBytes(long bytes)
    {
        Interlocked.Add(ref _bytes, bytes);
        progress.Add(bytes);
    }
}
