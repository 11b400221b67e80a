using System.Security.Cryptography;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Dumps;

/// <summary>
/// Cuts streams into parts: sealed objects of bounded size, each a compressed piece of a stream. While one is stored, the next is filled; so two are in memory,
/// however long the streams are. For one stream at a time.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="id">The dump.</param>
/// <param name="key">Seals the parts.</param>
sealed class DumpWriter(DumpService service, BackupId id, DataKey key) : IAsyncDisposable
{
    const int BlockSize = 256 << 10;

    // What compression may hold back and then give at once.
    const int Slack = 1 << 20;
    const int LargestDoubling = 4 << 20;

    readonly long _partSize = service.Settings.Backup.PartSize;
    readonly CancellationTokenSource _abort = new();
    readonly List<StoredObject> _parts = [];
    MemoryStream _filling = new();
    MemoryStream _storing = new();
    Task _upload = Task.CompletedTask;

    /// <summary>Parts that are stored or on their way, by number.</summary>
    public IReadOnlyList<StoredObject> Parts => _parts;

    /// <summary>Keys that may exist already, stored or not.</summary>
    public IEnumerable<string> Begun => Enumerable.Range(0, _parts.Count + 1).Select(number => RepositoryLayout.DumpPart(service.Name, id, number));

    /// <summary>Bytes of all streams so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>Takes a stream to its end.</summary>
    /// <param name="stream">What it is.</param>
    /// <param name="source">Its bytes; reading waits in the thread that reads.</param>
    /// <param name="ended">Waits until whoever writes it has ended well; given its last bytes.</param>
    /// <param name="progress">Told how far all streams are.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="StorageException">A part could not be stored.</exception>
    public async Task<DumpStreamRecord> WriteAsync(PlannedStream stream, Stream source, Func<DumpTail, Task> ended, Action<long> progress, CancellationToken cancellation)
    {
        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (first, length, tail) = (_parts.Count, 0L, new DumpTail());
        var (block, next) = (new byte[BlockSize], new byte[BlockSize]);
        var part = Begin();
        var hashing = Task.CompletedTask;
        try
        {
            while (await source.ReadAsync(block, cancellation) is > 0 and var read)
            {
                await hashing;
                var bytes = block.AsMemory(0, read);
                // Beside the compression: together they would be slower than the tool.
                hashing = Task.Run(() => sha256.AppendData(bytes.Span), CancellationToken.None);
                tail.Add(bytes.Span);
                if (_filling.Length >= _partSize)
                {
                    await CloseAsync(part, cancellation);
                    part = Begin();
                }

                MakeRoom();
                part.Write(bytes.Span);
                length += read;
                progress(Bytes += read);
                (block, next) = (next, block);
            }

            await hashing;
            // Before its last part: nobody can take what is stored for the whole stream.
            await ended(tail);
            await CloseAsync(part, cancellation);
        }
        finally
        {
            await hashing;
            part.Dispose();
        }

        return new DumpStreamRecord(stream.Name, stream.Format, length, Convert.ToHexStringLower(sha256.GetHashAndReset()), first, _parts.Count - first)
        {
            Database = stream.Database, Properties = stream.Properties,
        };
    }

    /// <summary>Waits until every part is stored.</summary>
    public Task CompleteAsync() => _upload;

    /// <summary>Stops what is on its way, and waits until it has stopped.</summary>
    public async Task AbandonAsync()
    {
        await _abort.CancelAsync();
        await _upload.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await AbandonAsync();
        _abort.Dispose();
    }

    SealedObjectWriter Begin()
    {
        _filling.SetLength(0);
        return new SealedObjectWriter(
            _filling, key, SealedObjectHeader.Create(SealedObjectKind.Stream, SealedObjectCodec.Zstd, key.Id), service.Settings.Backup.CompressionLevel);
    }

    // Neither the doubling of a memory stream nor a full part's worth of memory for a small dump.
    void MakeRoom()
    {
        if (_filling.Capacity < _filling.Length + Slack)
        {
            _filling.Capacity = (int)(_filling.Capacity < LargestDoubling ? Math.Max(Slack, _filling.Capacity) * 2L : Math.Max(_partSize, _filling.Length) + (2 * Slack));
        }
    }

    async Task CloseAsync(SealedObjectWriter part, CancellationToken cancellation)
    {
        part.Complete();
        part.Dispose();
        cancellation.ThrowIfCancellationRequested();
        await _upload;
        (_filling, _storing) = (_storing, _filling);
        var content = _storing.GetBuffer().AsMemory(0, (int)_storing.Length);
        var number = _parts.Count;
        var name = RepositoryLayout.DumpPart(service.Name, id, number);
        _parts.Add(new StoredObject(name, content.Length, ""));
        _upload = Task.Run(async () =>
        {
            // Replace, because a retry after an answer that was lost finds its own first attempt there.
            var put = service.Repositories.PutAsync(name, content, PutMode.Replace, _abort.Token, store => service.SealingKeys.IsPublished(key, store));
            var sha256 = Convert.ToHexStringLower(SHA256.HashData(content.Span));
            await put;
            _parts[number] = new StoredObject(name, content.Length, sha256);
        });
    }
}
