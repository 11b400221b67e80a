using Pitr.Format.Catalog;
using Pitr.Format.Manifests;
using Pitr.Operations.Errors;
using Pitr.Operations.Files;
using Pitr.Operations.Restore;
using Pitr.Operations.Scratch;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Drill.Files;

/// <summary>
/// Proves that a backup of files can be brought back: restores it into scratch space, reads it back, holds it against the backup and what was decrypted, runs the checks of the configuration,
/// times every phase, and holds the result against the objectives. Never touches what was backed up.
/// </summary>
/// <param name="service">The service.</param>
public sealed class FilesDrillRun(FilesService service)
{
    const string Purpose = "drill";

    /// <summary>Existing directory to restore into; null: the service's state directory.</summary>
    public string? ScratchDirectory { get; init; }

    /// <summary>Whether the restored tree stays; in <see cref="Kept"/> then. Needs a directory to restore into.</summary>
    public bool Keep { get; init; }

    /// <summary>Where the restored tree is; null when it was removed.</summary>
    public string? Kept { get; private set; }

    /// <summary>Does the drill. A backup that cannot be brought back is a report with a verdict, not an exception.</summary>
    /// <param name="request">What is drilled.</param>
    /// <param name="progress">Told what it does.</param>
    /// <param name="cancellation">Ends the drill without a report; scratch is cleaned up.</param>
    /// <exception cref="StorageException">The report could not be stored.</exception>
    /// <exception cref="BusyException">Another drill of the service runs on this host.</exception>
    public async Task<DrillReport> RunAsync(FilesDrillRequest request, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        var record = new DrillRecord(service, request.ToString(), seed: null, progress);
        using var scratch = ScratchSpace.Create(service, Purpose, ScratchDirectory);
        var report = await record.RunAsync(() => RecoverAsync(record, request, scratch, progress, cancellation), cancellation);
        if (Keep && Directory.Exists(scratch.Data))
        {
            scratch.IsKept = true;
            Kept = scratch.Data;
        }

        return report;
    }

    async Task RecoverAsync(DrillRecord record, FilesDrillRequest request, ScratchSpace scratch, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        record.Begin("planning");
        var backup = await new FilesCatalog(service).ChooseAsync(request.Backup, cancellation);
        record.Report = record.Report with { Backup = backup.Id };
        var selection = PathSelection.Parse(request.Paths);
        using var manifest = await StoredManifest.OpenAsync(service, backup, cancellation);
        using var plan = TreePlan.Read(manifest, selection, service.StateDirectory, cancellation);
        var (bytes, stored) = Measure(plan, cancellation);
        record.Report = record.Report with { RestoredBytes = bytes, FetchedBytes = stored };
        RequireRoom(scratch, bytes);
        record.End("plan");

        record.Begin("restoring files");
        var digests = new ContentDigests();
        var restored = await new FilesRestore(service, backup, new FilesRestoreRequest(selection, scratch.Data, NumericOwners: false)) { Digests = digests }.RunAsync(progress, cancellation);
        // What was written while the backup was taken is in it or not; what was there when it began is.
        var age = Math.Max(0, (record.Report.Requested - backup.Started).TotalSeconds);
        record.Report = record.Report with { RtoSeconds = record.Elapsed, RpoSeconds = age, RpoBasis = "from the beginning of the backup to the request" };
        record.End("restore");

        record.Begin("checking");
        var checks = new RestoredChecks(service, backup, plan, request, scratch);
        await checks.RunAsync(record.Checks, digests, restored, progress, cancellation);
        var (tree, warning) = checks.Found is { } found
            ? found.ToReport(request.Paths).Beside(await record.FindEarlierAsync(cancellation, earlier => earlier.Tree?.Paths.SequenceEqual(request.Paths, StringComparer.Ordinal) == true))
            : (null, null);
        record.Report = record.Report with { Tree = tree, Warnings = warning is null ? checks.Warnings : [.. checks.Warnings, warning] };
        record.End("check");
    }

    // Bytes that will be written, which are fewer than the files have where they have holes, and those of the packs they are in.
    static (long Bytes, long Stored) Measure(TreePlan plan, CancellationToken cancellation)
    {
        var bytes = 0L;
        var packs = new HashSet<int>();
        foreach (var (entry, _) in plan.Entries(cancellation))
        {
            foreach (var run in entry.Runs.Where(run => !run.IsZeros))
            {
                bytes += run.Length;
                packs.Add(run.Pack);
            }
        }

        return (bytes, packs.Sum(pack => plan.Pack(pack).Size));
    }

    static void RequireRoom(ScratchSpace scratch, long bytes)
    {
        if (new DriveInfo(scratch.Root).AvailableFreeSpace is var free && free < bytes)
        {
            throw new ImpossiblePlanException(
                $"the scratch space has {free} bytes free; the files have {bytes}", "free some space, have the scratch space on another file system (--scratch DIR), or drill a part (--path)");
        }
    }
}
