using System.Globalization;
using System.Text.Json;
using Pitr.Format.Catalog;
using Pitr.Operations.Configuration;
using Pitr.Operations.Dumps;
using Pitr.Operations.Dumps.Qdrant;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres;

namespace Pitr.Operations.Groups;

/// <summary>Collections of Qdrant: copied by a snapshot that the server makes, sent back to it under another name as it comes.</summary>
/// <param name="service">The service.</param>
/// <param name="settings">Its settings.</param>
sealed class QdrantCopies(DumpService service, QdrantSettings settings) : ICopyingServer
{
    const int BlockSize = 256 << 10;

    readonly QdrantApi _api = new(settings);
    readonly List<QdrantTarget> _targets = [];

    /// <inheritdoc/>
    public string Thing => "collection";

    // Unpacking an upload is work of the server's own, which does not end with the connection.
    /// <inheritdoc/>
    public bool GoesOn => true;

    /// <inheritdoc/>
    public bool IsUnanswered => _api.IsUploadUnanswered || _targets.Exists(t => t.IsUploadUnanswered);

    QdrantTrace Trace => new(_api, service.StateDirectory);

    /// <inheritdoc/>
    public IDumpTarget OpenTarget()
    {
        var target = new QdrantTarget(settings);
        _targets.Add(target);
        return target;
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> NamesIn(DumpStreamRecord stream) => [stream.Database!];

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes(DumpManifest manifest) => ["aliases stand for the same collections as before"];

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellation)
    {
        if (await _api.CountPeersAsync(cancellation) is > 1 and var peers)
        {
            throw new ConflictException(
                string.Create(CultureInfo.InvariantCulture, $"{_api.Server} is one of {peers} servers of a cluster, and a snapshot holds only what is on one of them; nothing was changed"), "bring it back by its vendor's means");
        }

        var all = await _api.ListCollectionsAsync(cancellation);
        return settings.Collections.Count == 0 ? all : [.. all.Where(settings.Collections.Contains)];
    }

    /// <inheritdoc/>
    public async Task<ComponentMove> LookAsync(ComponentMove move, CancellationToken cancellation)
    {
        var aliases = await _api.ListAliasesAsync(cancellation);
        return aliases.TryGetValue(move.Place, out var collection)
            ? throw new ConflictException($"{move.Place} is an alias of collection {collection} on {_api.Server}, and a collection in the backup; nothing was changed", "remove the alias first")
            : move with { Aliases = [.. aliases.Where(a => a.Value == move.Place).Select(a => a.Key).Order(StringComparer.Ordinal)] };
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> SettleAsync(CancellationToken cancellation) => await Trace.ClearAsync(cancellation) is { } told ? [told] : [];

    /// <inheritdoc/>
    public async Task<bool> ExistsAsync(string name, CancellationToken cancellation) => (await _api.ListCollectionsAsync(cancellation)).Contains(name);

    /// <inheritdoc/>
    public async Task CopyAsync(string from, string to, Action<long, long> progress, CancellationToken cancellation)
    {
        await _api.RemoveCollectionAsync(to, cancellation);
        await using (var feed = await QdrantFeed.OpenAsync(_api, Trace, from, settings.Timeout, note: null, cancellation))
        {
            using var upload = new SnapshotUpload(feed.Length, async destination =>
            {
                var block = new byte[BlockSize];
                var done = 0L;
                while (await feed.Output.ReadAsync(block, cancellation) is > 0 and var read)
                {
                    await destination.WriteAsync(block.AsMemory(0, read), cancellation);
                    progress(done += read, feed.Length);
                }

                await feed.WaitAsync(cancellation);
            });
            await _api.UploadSnapshotAsync(to, upload, feed.Sha256, cancellation);
        }

        await RequireSameAsync(from, to, cancellation);
    }

    /// <inheritdoc/>
    public Task RemoveAsync(string name, CancellationToken cancellation) => _api.RemoveCollectionAsync(name, cancellation);

    /// <inheritdoc/>
    public Task CompleteAsync(ComponentMove move, CancellationToken cancellation) =>
        move.Aliases.Count == 0 ? Task.CompletedTask : _api.SetAliasesAsync(move.Place, move.Aliases, cancellation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var target in _targets)
        {
            await target.DisposeAsync();
        }

        _api.Dispose();
    }

    // Points are counted one by one: what a collection says of itself is an estimate.
    async Task RequireSameAsync(string from, string to, CancellationToken cancellation)
    {
        var (here, there) = (await _api.CountExactlyAsync(from, cancellation), await _api.CountExactlyAsync(to, cancellation));
        if (here != there)
        {
            throw Different(from, to, string.Create(CultureInfo.InvariantCulture, $"it has {there} points instead of {here}"));
        }

        var (was, made) = (await _api.ReadVectorsAsync(from, cancellation), await _api.ReadVectorsAsync(to, cancellation));
        if (!AreSame(was.Vectors, made.Vectors) || !AreSame(was.SparseVectors, made.SparseVectors))
        {
            throw Different(from, to, "its vectors are made otherwise");
        }
    }

    ServerException Different(string from, string to, string how) =>
        new($"{to}, the copy of collection {from} on {_api.Server}, is not the same: {how}", "stop what writes to it, and try again; the server's log may say more");

    static bool AreSame(JsonElement? one, JsonElement? other) => one is { } a ? other is { } b && JsonElement.DeepEquals(a, b) : other is null;
}
