using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Archive.Verify;
using Pitr.Operations.Errors;
using Pitr.Operations.Retention;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Verify;

/// <summary>
/// Proves that all that is stored of a service can be used: in every repository for itself the documents, keys, backups with their manifests and packs, and the WAL, which must go on
/// from each backup; or dumps with their parts. Remembers what it has read. Changes nothing in a repository.
/// </summary>
/// <param name="service">The service.</param>
public sealed class ServiceVerification(OpenedService service)
{
    readonly Dictionary<string, string> _unanswered = new(StringComparer.Ordinal);
    readonly List<RepositoryVerification> _repositories = [];

    /// <summary>Verifies.</summary>
    /// <param name="options">What is read back.</param>
    /// <param name="onFinding">Told each finding as it is found, one at a time; may be null.</param>
    /// <param name="onProgress">Told the phase, the bytes that are done, and of how many; from several threads; may be null.</param>
    /// <param name="cancellation">Ends the work; what was verified until then is remembered.</param>
    /// <exception cref="ImpossiblePlanException">Nothing of the service is stored.</exception>
    /// <exception cref="KeyUnavailableException">There is no identity, or it opens none of the service's data keys.</exception>
    public async Task<VerifyReport> RunAsync(VerifyOptions options, Action<Finding>? onFinding, Action<string, long, long>? onProgress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        var started = service.Clock.GetTimestamp();
        service.OpeningKeys.RequireIdentity();
        var findings = new Findings(onFinding);
        var progress = new VerifyProgress(onProgress);
        WalVerifyReport? wal = null;
        try
        {
            await ReadServiceAsync(options, findings, progress, cancellation);
            var identifiers = SystemIdentifiers();
            await OnEachAsync(repository => repository.ReadBackupsAsync(identifiers, cancellation));
            Remember();
            await CompareAsync(findings, cancellation);
            wal = service is PostgresService archived ? await VerifyWalAsync(archived, options, findings, progress, cancellation) : null;
        }
        finally
        {
            Remember();
        }

        foreach (var repository in _repositories.Where(r => !_unanswered.ContainsKey(r.Store.Name)))
        {
            repository.RequireKeys(service.OpeningKeys.Found);
        }

        Remember();
        return new VerifyReport(
            [.. service.Repositories.Stores.Select(store => Report(store.Name, wal))], findings.Kept, findings.Count, service.Clock.GetElapsedTime(started));
    }

    async Task ReadServiceAsync(VerifyOptions options, Findings findings, VerifyProgress progress, CancellationToken cancellation)
    {
        foreach (var store in service.Repositories.Stores)
        {
            await TryAsync(store.Name, async () => _repositories.Add(await RepositoryVerification.OpenAsync(service, store, options, findings, progress, cancellation)));
        }

        await OnEachAsync(repository => repository.ReadServiceAsync(cancellation));
        if (_unanswered.Count == 0 && !_repositories.Exists(r => r.HasAnything))
        {
            throw new ImpossiblePlanException(
                $"service {service.Name} has nothing stored in repository {service.Repositories.Names}",
                service is PostgresService ? "no WAL has arrived and no backup was taken yet; `pitr check` shows whether archiving works" : $"take a backup: pitr backup {service.Name}");
        }

        var known = _repositories.Where(r => r.Service is not null).ToArray();
        foreach (var other in known.Skip(1).Where(r => Clusters(r) != Clusters(known[0])))
        {
            findings.Add(
                FindingKind.Differs, other.Store.Name, RepositoryLayout.ServiceDocument(service.Name),
                $"names the clusters {Clusters(other)}, repository {known[0].Store.Name} names {Clusters(known[0])}", "two clusters archive under one service name; give each a name of its own");
        }
    }

    static string Clusters(RepositoryVerification repository) =>
        string.Join(", ", repository.Service!.SystemIdentifiers.Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.SystemIdentifier} ({s.WalSegmentSize} bytes per segment)")));

    HashSet<string> SystemIdentifiers() =>
        _repositories.SelectMany(r => r.Service?.SystemIdentifiers ?? []).Select(s => s.SystemIdentifier).ToHashSet(StringComparer.Ordinal);

    // What one repository has and another lacks, and entries that say different things. Debts, and what shall go, are known.
    async Task CompareAsync(Findings findings, CancellationToken cancellation)
    {
        var pending = new PendingRemovals(service);
        foreach (var repository in _repositories.Where(r => !_unanswered.ContainsKey(r.Store.Name)))
        {
            foreach (var other in _repositories.Where(r => r != repository && !_unanswered.ContainsKey(r.Store.Name)))
            {
                await TryAsync(other.Store.Name, () => CompareAsync(repository, other, pending, findings, cancellation));
            }
        }
    }

    async Task CompareAsync(RepositoryVerification repository, RepositoryVerification other, PendingRemovals pending, Findings findings, CancellationToken cancellation)
    {
        var name = repository.Store.Name;
        foreach (var (id, digest) in other.Backups.Digests)
        {
            var key = CatalogPlace.Of(service).EntryKey(BackupId.Parse(id));
            if (repository.Backups.Digests.TryGetValue(id, out var own))
            {
                if (own != digest && string.CompareOrdinal(name, other.Store.Name) > 0)
                {
                    findings.Add(FindingKind.Differs, name, key, $"says something else than in repository {other.Store.Name}", "look at both with `pitr repo get --raw`; the manifest, which is sealed, tells which is right");
                }
            }
            else if (!repository.Backups.HasEntry(id) && !service.Repositories.Debts.IsOwed(name, key)
                && !pending.In(other.Store.Name).Contains(BackupId.Parse(id)) && await other.Store.ExistsAsync(key, cancellation))
            {
                findings.Add(FindingKind.Missing, name, key, $"is missing here, repository {other.Store.Name} has the backup", WalCopies.BringIt);
            }
        }
    }

    async Task<WalVerifyReport?> VerifyWalAsync(PostgresService archived, VerifyOptions options, Findings findings, VerifyProgress progress, CancellationToken cancellation)
    {
        BackupDocument[] backups = [.. _repositories.SelectMany(r => r.Backups.BaseBackups).DistinctBy(b => b.Id)];
        int[] sizes = [.. _repositories.SelectMany(r => r.Service?.SystemIdentifiers.TakeLast(1) ?? []).Select(s => s.WalSegmentSize), .. backups.Select(b => b.WalSegmentSize)];
        // Of a service that could not be read, or whose only document is damaged, and that has no backup, it is not known what a segment is; that is a finding, or unanswered, already.
        if (sizes.Length == 0)
        {
            return null;
        }

        var owners = SystemIdentifiers() is { Count: > 0 } known ? known : [.. backups.Select(b => b.SystemIdentifier)];
        var context = new WalVerifyContext(
            WalSegmentSize.From(sizes[0]),
            owners.Select(text => ulong.Parse(text, CultureInfo.InvariantCulture)).ToHashSet(),
            backups,
            _repositories.ToDictionary(r => r.Store.Name, r => r.Verified, StringComparer.Ordinal),
            options.FreshSince(service.Clock.GetUtcNow(), service.Verify));
        progress.Begin("reading WAL", 0);
        var what = new WalVerifyOptions(options.Sample, options.SinceLsn, options.SinceTime, null, options.Jobs, options.Random) { Share = options.Share };
        try
        {
            var report = await new WalVerification(archived).RunAsync(what, context, findings, progress.Set, cancellation);
            foreach (var repository in report.Repositories.Where(r => r.Unanswered is not null))
            {
                _unanswered.TryAdd(repository.Name, repository.Unanswered!);
            }

            return report;
        }
        catch (StorageException e)
        {
            // None answered.
            foreach (var store in service.Repositories.Stores)
            {
                _unanswered.TryAdd(store.Name, service.Repositories.Unanswered.GetValueOrDefault(store.Name) ?? e.Message);
            }

            return null;
        }
    }

    VerifiedCopy Report(string name, WalVerifyReport? wal)
    {
        var unanswered = _unanswered.GetValueOrDefault(name);
        var copy = _repositories.Find(r => r.Store.Name == name)?.Report(unanswered) ?? new VerifiedCopy(name) { Unanswered = unanswered };
        return wal?.Repositories.FirstOrDefault(r => r.Name == name) is { } read
            ? copy with { WalRead = read.Objects, WalFresh = wal.Fresh.GetValueOrDefault(name), BytesRead = copy.BytesRead + read.Bytes }
            : copy;
    }

    async Task OnEachAsync(Func<RepositoryVerification, Task> work)
    {
        foreach (var repository in _repositories.Where(r => !_unanswered.ContainsKey(r.Store.Name)).ToArray())
        {
            await TryAsync(repository.Store.Name, () => work(repository));
        }
    }

    // A repository's own trouble does not keep the others from being verified.
    async Task TryAsync(string repository, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e) when (e is StorageException or RepositoryUnavailableException)
        {
            _unanswered.TryAdd((e as StorageException)?.Repository is { } named && service.Repositories.Stores.Any(s => s.Name == named) ? named : repository, e.Message);
        }
    }

    void Remember()
    {
        foreach (var repository in _repositories)
        {
            try
            {
                repository.Verified.Save(service.Clock.GetUtcNow());
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                service.Log.Warning("what was verified in repository {Repository} could not be written down and will be read again: {Reason}", repository.Store.Name, e.Message);
            }
        }
    }
}
