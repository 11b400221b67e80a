using System.Globalization;
using System.Security.Cryptography;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Storage;

namespace Pitr.Operations.Dumps;

/// <summary>
/// Takes a dump: what the tools write is compressed, sealed and stored as it comes. dump.json is written last, when every tool has ended well and everything it names is stored, in
/// as many repositories as required.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="source">Gives the streams.</param>
/// <param name="version">This program's version, for the catalog.</param>
public sealed class DumpRun(DumpService service, IDumpSource source, string version)
{
    const int MostMessages = 20;

    readonly Queue<string> _messages = new();

    /// <summary>Takes the backup.</summary>
    /// <param name="progress">Told where it is.</param>
    /// <param name="cancellation">Ends it; what was stored is removed.</param>
    /// <returns>The catalog entry that was written.</returns>
    /// <exception cref="BusyException">Another backup of the service runs.</exception>
    /// <exception cref="ServerException">The server could not be reached, or a tool failed.</exception>
    /// <exception cref="StorageException">Too few repositories could take it.</exception>
    public async Task<DumpDocument> RunAsync(IProgress<DumpProgress>? progress, CancellationToken cancellation)
    {
        await using var lease = await RepositoryLease.AcquireAsync(service, "backup", cancellation);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, lease.Lost);
        progress?.Report(new DumpProgress("asking the server", 0, 0));
        var plan = await source.PlanAsync(linked.Token);
        await new KindRegistry(service).ClaimAsync(linked.Token);
        await new DumpLeftovers(service).RemoveAsync(linked.Token);
        var id = await ChooseIdAsync(linked.Token);
        var started = service.Clock.GetUtcNow();
        var key = await service.SealingKeys.GetAsync(linked.Token);
        await using var writer = new DumpWriter(service, id, key);
        try
        {
            // In a thread of its own: reads from a tool wait in the thread that asks.
            var streams = await Task.Run(() => TakeAsync(plan, writer, progress, linked.Token), linked.Token);
            progress?.Report(new DumpProgress("storing", writer.Bytes, writer.Bytes));
            await writer.CompleteAsync();
            var document = await StoreManifestAsync(plan, streams, writer.Parts, id, started, key, linked.Token);
            lease.Lost.ThrowIfCancellationRequested();
            lease.RequireCertain();
            await new DumpEntry(service).PutAsync(document, linked.Token);
            service.Log.Information("dump {Id} is complete: {Bytes} bytes as {StoredBytes}", document.Id, document.Bytes, document.StoredBytes);
            return document;
        }
        catch
        {
            await writer.AbandonAsync();
            // The entry first: one repository may have taken it before another refused.
            await new DumpLeftovers(service).TryRemoveAsync(
                id, [RepositoryLayout.Dump(service.Name, id), .. writer.Begun, RepositoryLayout.DumpSums(service.Name, id), RepositoryLayout.DumpManifest(service.Name, id)]);
            throw;
        }
    }

    async Task<IReadOnlyList<DumpStreamRecord>> TakeAsync(DumpPlan plan, DumpWriter writer, IProgress<DumpProgress>? progress, CancellationToken cancellation)
    {
        var taken = new List<DumpStreamRecord>();
        foreach (var stream in plan.Streams)
        {
            var before = await TryCountAsync(stream, cancellation);
            await using var feed = await source.StartAsync(stream, cancellation);
            var record = await writer.WriteAsync(
                stream,
                feed.Output,
                async tail =>
                {
                    var code = await feed.WaitAsync(cancellation);
                    Keep(feed.Messages);
                    if (code != 0)
                    {
                        throw new ServerException($"{feed.Name} failed {Ending(code)} while it wrote {stream.Name}; no backup was made: {feed.Messages}", source.Hint(feed.Messages));
                    }

                    if (source.WhyNotWhole(stream, tail.Bytes) is { } reason)
                    {
                        throw new ServerException($"{feed.Name} ended well, but {stream.Name} is not whole: {reason}; no backup was made", source.Hint(feed.Messages));
                    }
                },
                bytes => progress?.Report(new DumpProgress($"dumping {stream.Name}", bytes, plan.EstimatedBytes)),
                cancellation);
            // What is counted in the stream itself is exact; the server is asked before and after.
            taken.Add(record with
            {
                Counts = feed.Contents is { } counted ? StreamCounts.Exact(counted) : StreamCounts.Merge(before, before is null ? null : await TryCountAsync(stream, cancellation)),
            });
        }

        return taken;
    }

    // For drills only: a backup is as good without.
    async Task<IReadOnlyList<ServerCount>?> TryCountAsync(PlannedStream stream, CancellationToken cancellation)
    {
        try
        {
            return await source.CountAsync(stream, cancellation);
        }
        catch (ServerException e)
        {
            service.Log.Warning("what {Stream} holds could not be counted, and drills will not compare it: {Reason}", stream.Name, e.Message);
            return null;
        }
    }

    // As a shell says it: 128 and the number of the signal.
    static string Ending(int code) => code is > 128 and < 160
        ? string.Create(CultureInfo.InvariantCulture, $"(killed by signal {code - 128})")
        : string.Create(CultureInfo.InvariantCulture, $"with code {code}");

    void Keep(string messages)
    {
        foreach (var line in messages.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries).Where(line => !source.IsRoutine(line)))
        {
            if (_messages.Count == MostMessages)
            {
                _messages.Dequeue();
            }

            _messages.Enqueue(line);
        }
    }

    // Ids are unique per second; a second dump in the same second waits for the next one. A repository that is down has no say: the lease keeps others from beginning one now.
    async Task<BackupId> ChooseIdAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var id = new BackupId(service.Clock.GetUtcNow());
            var answers = await service.Repositories.AskAllAsync(
                async (store, token) => await store.ListAsync(RepositoryLayout.DumpPrefix(service.Name, id), ListMode.Children, token).AnyAsync(token), cancellation);
            if (!answers.Any(a => a.Answer))
            {
                return id;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), service.Clock, cancellation);
        }
    }

    async Task<DumpDocument> StoreManifestAsync(
        DumpPlan plan, IReadOnlyList<DumpStreamRecord> streams, IReadOnlyList<StoredObject> parts, BackupId id, DateTimeOffset started, DataKey key, CancellationToken cancellation)
    {
        var manifest = new DumpManifest
        {
            Id = id.ToString(), Service = service.Name.Value, Kind = service.Kind, Product = plan.Product, ServerVersion = plan.ServerVersion, Streams = streams, Parts = parts,
        };
        var json = manifest.ToJson();
        var header = SealedObjectHeader.Create(SealedObjectKind.Manifest, SealedObjectCodec.Zstd, key.Id, json.Length);
        var storedManifest = await PutAsync(RepositoryLayout.DumpManifest(service.Name, id), SealedObject.Seal(json, key, header), key, cancellation);
        var sums = await PutAsync(RepositoryLayout.DumpSums(service.Name, id), DumpSums.Of(streams, [.. parts, storedManifest]), key, cancellation);
        return new DumpDocument
        {
            Id = manifest.Id,
            Service = manifest.Service,
            Kind = manifest.Kind,
            Host = Environment.MachineName,
            PitrVersion = version,
            Started = started,
            Finished = service.Clock.GetUtcNow(),
            Tool = plan.Tool,
            Product = plan.Product,
            ServerVersion = plan.ServerVersion,
            Bytes = streams.Sum(s => s.Bytes),
            StoredBytes = parts.Sum(p => p.Size) + storedManifest.Size + sums.Size,
            Streams = streams,
            Parts = parts,
            Manifest = storedManifest,
            Sums = sums,
            DataKeys = [key.Id.ToString()],
            Messages = [.. _messages],
        };
    }

    async Task<StoredObject> PutAsync(string name, byte[] content, DataKey key, CancellationToken cancellation)
    {
        await service.Repositories.PutAsync(name, content, PutMode.Replace, cancellation, store => service.SealingKeys.IsPublished(key, store));
        return new StoredObject(name, content.Length, Convert.ToHexStringLower(SHA256.HashData(content)));
    }
}
