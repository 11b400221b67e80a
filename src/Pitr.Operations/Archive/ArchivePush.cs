using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Archive;

/// <summary>
/// Puts one file of pg_wal into the repositories of a service. Returns only when as many as are required hold it durably and what
/// the others lack is written down; the same file again is the same success, another file under the same name is refused. Mirror of <see cref="ArchiveGet"/>.
/// </summary>
public sealed class ArchivePush
{
    readonly PostgresService _service;
    readonly ServiceRegistry _registry;
    readonly PushBudget _budget;

    /// <summary>With a budget of its own.</summary>
    public ArchivePush(PostgresService service)
        : this(service, new PushBudget(Environment.ProcessorCount, PushBudget.DefaultBytes))
    {
    }

    /// <param name="service">Whose files are pushed.</param>
    /// <param name="budget">Shared by all pushes of the process.</param>
    internal ArchivePush(PostgresService service, PushBudget budget) => (_service, _registry, _budget) = (service, new ServiceRegistry(service), budget);

    /// <summary>Archives one file.</summary>
    /// <param name="path">The file; its name must be one PostgreSQL gives to files it archives.</param>
    /// <returns>What was done.</returns>
    /// <exception cref="RefusedInputException">The file is missing, misnamed, of the wrong size, not WAL, or was changed while it was read.</exception>
    /// <exception cref="ConflictException">Other content is stored under this name, or the WAL is another cluster's.</exception>
    /// <exception cref="StorageException">A repository could not take it; nothing is acknowledged.</exception>
    /// <exception cref="RepositoryUnavailableException">It took longer than wal.push-deadline, or a place is no repository.</exception>
    public Task<ArchivePushResult> PushAsync(string path, CancellationToken cancellation)
    {
        var waitedFor = new PushPriority();
        waitedFor.Raise();
        return PushAsync(path, waitedFor, cancellation);
    }

    /// <summary>Archives one file; others go first as long as nobody waits for it.</summary>
    /// <inheritdoc cref="PushAsync(string, CancellationToken)"/>
    internal async Task<ArchivePushResult> PushAsync(string path, PushPriority priority, CancellationToken cancellation)
    {
        if (!WalFileName.TryParse(Path.GetFileName(path), out var name))
        {
            throw new RefusedInputException(
                $"{Path.GetFileName(path)} is not a file that PostgreSQL archives",
                "archive_command must pass %p: a WAL segment, .partial, .history or .backup file");
        }

        // A repository that never answers must not let pg_wal fill in silence: PostgreSQL is told to ask again, and says so in its log.
        using var deadline = new CancellationTokenSource(_service.Settings.Wal.PushDeadline, _service.Clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            using var file = WalFile.Open(path, name);
            return await PushAsync(file, priority, linked.Token);
        }
        catch (OperationCanceledException e) when (deadline.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new RepositoryUnavailableException(
                $"{name} was not in {Wanted} within {_service.Settings.Wal.PushDeadline}",
                "nothing is acknowledged, PostgreSQL asks again; look at the repositories, wal.push-deadline sets the limit",
                e);
        }
    }

    async Task<ArchivePushResult> PushAsync(WalFile file, PushPriority priority, CancellationToken cancellation)
    {
        // Everything that may have to wait for a repository comes before the segment is in memory.
        var key = _service.SealingKeys.GetAsync(cancellation);
        // Both end before we go on, whichever fails: a refusal must not be overtaken by what it refuses.
        await Task.WhenAll(key, ClaimAsync(file.Header, cancellation));
        var dataKey = await key;
        using var share = await _budget.EnterAsync(SealedWalFile.MemoryNeeded(file.Length), priority, cancellation);
        var sealedFile = SealedWalFile.Make(file, dataKey, _service.Settings.Wal.CompressionLevel, _budget);
        share.Keep(sealedFile.Bytes.Length);
        var (stored, ended) = (0, 0);
        await _service.Repositories.WriteAsync(
            [RepositoryLayout.Wal(_service.Name, file.Name)],
            Laggards.LetRun,
            async (store, token) =>
            {
                if (await PutAsync(store, file.Name, sealedFile, token))
                {
                    Interlocked.Increment(ref stored);
                }

                Interlocked.Increment(ref ended);
            },
            cancellation,
            isReady: store => _service.SealingKeys.IsPublished(dataKey, store));
        if (Volatile.Read(ref ended) == _service.Repositories.Stores.Count)
        {
            sealedFile.Return(_budget);
        }

        WarnOfDamage(file.Name, sealedFile.Damage);
        return new ArchivePushResult(file.Name, file.Length, sealedFile.Bytes.Length, AlreadyStored: Volatile.Read(ref stored) == 0, file.Stamp, sealedFile.Damage);
    }

    // PostgreSQL has no better copy, and refusing it would fill pg_wal for ever: it is stored as it is, and said (docs/decisions/0030).
    void WarnOfDamage(WalFileName name, WalDamage? damage)
    {
        if (damage is not null)
        {
            _service.Log.Warning("{File}: recovery will end at {Position}: {Reason}; take a backup now", name, damage.Position, damage.Reason);
        }
    }

    string Wanted => _service.Repositories.Required == _service.Repositories.Stores.Count
        ? $"every repository ({_service.Repositories.Names})"
        : $"{_service.Repositories.Required} of the repositories {_service.Repositories.Names}";

    Task ClaimAsync(WalSegmentHeader? header, CancellationToken cancellation) => header is null
        ? Task.CompletedTask
        : _registry.ClaimAsync(header.SystemIdentifier, header.MajorVersion, header.SegmentSize.Bytes, cancellation);

    // True when this call stored it, false when the same content was already there.
    async Task<bool> PutAsync(IObjectStore store, WalFileName name, SealedWalFile file, CancellationToken cancellation)
    {
        var key = RepositoryLayout.Wal(_service.Name, name);
        try
        {
            await store.PutAsync(key, ObjectContent.FromMemory(file.Bytes), PutMode.CreateNew, cancellation);
            return true;
        }
        catch (ObjectExistsException)
        {
            var stored = await WalObject.ReadHeaderAsync(store, key, cancellation);
            if (stored.Fingerprint.AsSpan().SequenceEqual(file.Fingerprint))
            {
                return false;
            }

            throw new ConflictException(
                $"{name} is already in repository {store.Name} with other content: stored {Convert.ToHexStringLower(stored.Fingerprint)}, offered {Convert.ToHexStringLower(file.Fingerprint)}",
                "two servers archive under one service name (an old primary that came back?); stop the wrong one, nothing was overwritten");
        }
    }
}
