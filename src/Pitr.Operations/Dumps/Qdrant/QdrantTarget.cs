using System.Globalization;
using System.Runtime.ExceptionServices;
using Pitr.Format.Catalog;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Qdrant;

/// <summary>Brings collections back by the upload of their snapshots, each into a collection that is not there yet.</summary>
/// <param name="settings">The service, whose server it goes to.</param>
public sealed class QdrantTarget(QdrantSettings settings) : IDumpTarget
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    readonly QdrantApi _api = new(settings);

    /// <inheritdoc/>
    public async Task<DumpRestorePlan> PlanAsync(DumpDocument entry, DumpManifest manifest, DumpSelection selection, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(selection);
        if (selection.Tables.Count > 0 || selection.Schemas.Count > 0 || selection.NoOwner || selection.Globals)
        {
            throw new RefusedInputException("--table, --schema, --globals and --no-owner are not for services of kind qdrant", "--database names the collection, --into the name it gets");
        }

        var streams = DumpChoice.Databases(manifest, selection);
        var version = await _api.ReadVersionAsync(cancellation);
        QdrantSource.RequireKnown(version, _api.Server);
        RequireFit(manifest, version);
        var present = await _api.ListCollectionsAsync(cancellation);
        var steps = streams.Select(stream => new DumpRestoreStep(stream, selection.Into ?? stream.Database!, IsNew: true)).ToArray();
        if (steps.FirstOrDefault(step => present.Contains(step.Into!)) is { Into: var taken })
        {
            throw new ConflictException($"collection {taken} is there already on {_api.Server}; nothing was changed", "--into NAME brings it back under another name, beside it; or remove the old one first");
        }

        return new DumpRestorePlan(entry, manifest, $"pitr, by {QdrantSource.Product}'s snapshots", _api.Server, steps);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> RestoreAsync(DumpRestoreStep step, Func<Stream, Task> copy, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(copy);
        var collection = step.Into!;
        using var upload = new SnapshotUpload(step.Stream.Bytes, copy);
        try
        {
            await _api.UploadSnapshotAsync(collection, upload, step.Stream.Sha256, cancellation);
        }
        catch (Exception e)
        {
            var left = await RemoveAsync(collection);
            if (upload.Failure is { } failure)
            {
                ExceptionDispatchInfo.Throw(failure);
            }

            if (e is ServerException server)
            {
                throw new ServerException($"{server.Message}; {left}", server.Hint, server);
            }

            throw;
        }

        var points = await _api.CountPointsAsync(collection, cancellation);
        return points is { } now && step.Stream.Counts is [{ Before: var then }, ..] && then != now
            ? [string.Create(CultureInfo.InvariantCulture, $"collection {collection} has {now} points; {then} were counted when its snapshot was made, which writers of that moment may explain")]
            : [];
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _api.Dispose();
        return ValueTask.CompletedTask;
    }

    // As the vendor says it: into the same minor version, of the same patch level or a later one.
    void RequireFit(DumpManifest manifest, string version)
    {
        DumpChoice.RequireNotNewer(manifest, QdrantSource.Product, version, _api.Server);
        var (dumped, here) = (QdrantSource.Numbers(manifest.ServerVersion), QdrantSource.Numbers(version));
        if (dumped.Major != here.Major || dumped.Minor != here.Minor || dumped.Patch > here.Patch)
        {
            throw new ImpossiblePlanException(
                $"backup {manifest.Id} is of {QdrantSource.Product} {manifest.ServerVersion}, and {_api.Server} has {version}; nothing was changed",
                string.Create(CultureInfo.InvariantCulture, $"snapshots go into a server of {dumped.Major}.{dumped.Minor}.{dumped.Patch} or a later {dumped.Major}.{dumped.Minor}: bring it back there, then upgrade that server"));
        }
    }

    // It was not there when this command began.
    async Task<string> RemoveAsync(string collection)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await _api.RemoveCollectionAsync(collection, patience.Token);
            return "what it had made is gone again";
        }
        catch (Exception e) when (e is ServerException or OperationCanceledException)
        {
            return $"collection {collection} may be there in part: remove it before another try";
        }
    }
}
