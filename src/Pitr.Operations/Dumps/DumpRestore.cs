using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Services;

namespace Pitr.Operations.Dumps;

/// <summary>Brings a dump back: fetched, opened and handed to the tool as it comes.</summary>
/// <param name="service">The service.</param>
/// <param name="target">Takes the streams.</param>
public sealed class DumpRestore(DumpService service, IDumpTarget target)
{
    readonly DumpReader _reader = new(service);

    /// <summary>Chooses the dump and makes a plan. Changes nothing.</summary>
    /// <param name="backup">The dump; null for the newest.</param>
    /// <param name="selection">What of it, and where to.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <inheritdoc cref="IDumpTarget.PlanAsync"/>
    public async Task<DumpRestorePlan> PlanAsync(BackupId? backup, DumpSelection selection, CancellationToken cancellation)
    {
        var entry = await new DumpCatalog(service).ChooseAsync(backup, cancellation);
        return await target.PlanAsync(entry, await _reader.ReadManifestAsync(entry, cancellation), selection, cancellation);
    }

    /// <summary>Does what a plan says, step by step; a step that fails ends it.</summary>
    /// <returns>What the tools said that somebody should read.</returns>
    /// <inheritdoc cref="IDumpTarget.RestoreAsync"/>
    public async Task<IReadOnlyList<string>> RunAsync(DumpRestorePlan plan, IProgress<DumpProgress>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(plan);
        await using var lease = await RepositoryLease.AcquireAsync(service, "restore", cancellation);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, lease.Lost);
        var messages = new List<string>();
        var done = 0L;
        foreach (var step in plan.Steps)
        {
            messages.AddRange(await target.RestoreAsync(step, destination => CopyAsync(plan.Manifest, step.Stream, destination, done, plan.Bytes, progress, linked.Token), linked.Token));
            done += step.Stream.Bytes;
        }

        return messages;
    }

    Task CopyAsync(DumpManifest manifest, DumpStreamRecord stream, Stream destination, long before, long total, IProgress<DumpProgress>? progress, CancellationToken cancellation) =>
        _reader.CopyAsync(manifest, stream, destination, bytes => progress?.Report(new DumpProgress($"restoring {stream.Name}", before + bytes, total)), cancellation);
}
