using System.Security.Cryptography;
using System.Threading.Channels;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Packs;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Backup;

/// <summary>
/// Compresses and seals records on several cores and puts the packs into the repositories. Each worker fills a pack of its own and
/// uploads it while filling the next, so memory is bounded: two packs per worker and a few records in between.
/// </summary>
public sealed class PackPipeline : IAsyncDisposable
{
    readonly PackedService _service;
    readonly BackupId _backup;
    readonly DataKey _key;
    readonly Channel<RecordDraft> _drafts;
    readonly CancellationTokenSource _abort;
    readonly Task[] _workers;
    readonly List<StoredPack> _stored = [];
    int _packs;
    long _storedBytes;

    /// <summary>Starts the workers.</summary>
    /// <param name="service">Whose repositories the packs go to.</param>
    /// <param name="backup">The backup the packs belong to.</param>
    /// <param name="key">The key they are sealed with.</param>
    /// <param name="workers">How many packs are filled at once, at least 1.</param>
    /// <param name="cancellation">Ends all work.</param>
    public PackPipeline(PackedService service, BackupId backup, DataKey key, int workers, CancellationToken cancellation)
    {
        _service = service;
        _backup = backup;
        _key = key;
        _drafts = Channel.CreateBounded<RecordDraft>(workers * 8);
        _abort = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _workers = Enumerable.Range(0, workers).Select(_ => Task.Run(WorkAsync)).ToArray();
    }

    /// <summary>Told what is stored where, for the case that the backup is interrupted; null for nobody.</summary>
    internal BackupJournal? Journal { get; init; }

    /// <summary>Bytes in the repository so far.</summary>
    public long StoredBytes => Volatile.Read(ref _storedBytes);

    /// <summary>Hands a record to the workers; waits when they are behind.</summary>
    /// <exception cref="StorageException">A pack could not be stored.</exception>
    public async ValueTask AddAsync(RecordDraft draft)
    {
        try
        {
            await _drafts.Writer.WriteAsync(draft, _abort.Token);
        }
        catch (OperationCanceledException)
        {
            // A worker failed: its error is the one to report.
            await Task.WhenAll(_workers);
            throw;
        }
    }

    /// <summary>Finishes every pack; returns when all are durable.</summary>
    /// <returns>The packs by number.</returns>
    public async Task<IReadOnlyList<StoredPack>> CompleteAsync()
    {
        _drafts.Writer.Complete();
        await Task.WhenAll(_workers);
        return _stored.OrderBy(p => p.Object.Key, StringComparer.Ordinal).ToArray();
    }

    async Task WorkAsync()
    {
        PackWriter? pack = null;
        var number = 0;
        var contentBytes = 0L;
        var uploading = Task.CompletedTask;
        try
        {
            await foreach (var draft in _drafts.Reader.ReadAllAsync(_abort.Token))
            {
                if (pack is null)
                {
                    number = Interlocked.Increment(ref _packs) - 1;
                    contentBytes = 0;
                    pack = new PackWriter(_key, _service.Backup.CompressionLevel);
                }

                var record = pack.Add(draft.Content);
                contentBytes += draft.Length;
                Journal?.Place(number, record, draft);
                draft.Finish(number, record);
                if (pack.StoredLength >= _service.Backup.PackSize)
                {
                    await uploading;
                    uploading = UploadAsync(pack, number, contentBytes);
                    pack = null;
                }
            }

            await uploading;
            if (pack is not null)
            {
                uploading = UploadAsync(pack, number, contentBytes);
                pack = null;
                await uploading;
            }
        }
        catch
        {
            await _abort.CancelAsync();
            await uploading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
        finally
        {
            pack?.Dispose();
        }
    }

    Task UploadAsync(PackWriter pack, int number, long contentBytes) => Task.Run(async () =>
    {
        using (pack)
        {
            var content = pack.Finish();
            var key = RepositoryLayout.Pack(_service.Name, _backup, number);
            // Replace, because a retry after an answer that was lost finds its own first attempt there.
            var put = _service.Repositories.PutAsync(key, content, PutMode.Replace, _abort.Token, store => _service.SealingKeys.IsPublished(_key, store));
            var sha256 = Convert.ToHexStringLower(SHA256.HashData(content.Span));
            var salt = PackReader.SaltOf(content.Span);
            await put;
            Journal?.Store(new JournaledPack(number, content.Length, sha256, salt, contentBytes));
            lock (_stored)
            {
                _stored.Add(new StoredPack(new StoredObject(key, content.Length, sha256), salt));
            }

            Interlocked.Add(ref _storedBytes, content.Length);
        }
    });

    /// <summary>Stops the workers; what was not completed stays without a backup.json and is not a backup.</summary>
    public async ValueTask DisposeAsync()
    {
        _drafts.Writer.TryComplete();
        await _abort.CancelAsync();
        await Task.WhenAll(_workers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _abort.Dispose();
    }
}
