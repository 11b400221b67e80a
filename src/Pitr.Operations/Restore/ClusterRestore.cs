using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres.Recovery;

namespace Pitr.Operations.Restore;

/// <summary>Carries a plan out: checks space, writes the files, then the recovery settings PostgreSQL starts with.</summary>
public sealed class ClusterRestore(PostgresService service)
{
    // What a data directory needs beyond the backup: replayed WAL is fetched one segment at a time, and PostgreSQL keeps some.
    const long SpaceForWal = 256L << 20;

    /// <summary>Refuses a restore that cannot end well, without touching anything.</summary>
    /// <exception cref="ImpossiblePlanException">The directory is not empty, or there is not enough space.</exception>
    public static void RequirePossible(RestorePlan plan, string directory)
    {
        RestoreDirectory.RequireFillable(directory);
        var parent = directory;
        while (!Directory.Exists(parent))
        {
            parent = Path.GetDirectoryName(parent)!;
        }

        var free = new DriveInfo(parent).AvailableFreeSpace;
        if (free < plan.RestoredBytes + SpaceForWal)
        {
            throw new ImpossiblePlanException(
                $"{parent} has {free} bytes free; the restore needs {plan.RestoredBytes} for files and {SpaceForWal} for WAL",
                "free some space or name a directory on another file system with --to");
        }
    }

    /// <summary>Restores into a directory; afterwards starting PostgreSQL there recovers to the target.</summary>
    /// <param name="plan">What the planner found possible.</param>
    /// <param name="directory">New or empty directory, absolute.</param>
    /// <param name="options">Recovery settings.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Ends the work; the directory stays marked as incomplete.</param>
    public async Task RunAsync(RestorePlan plan, string directory, RestoreOptions options, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        RequirePossible(plan, directory);
        var target = RestoreDirectory.Prepare(directory);
        try
        {
            await new RestoreFiles(service).RestoreAsync(plan.Backup, target, progress, cancellation);
            var timeline = plan.TargetTimeline.Value == plan.Backup.Timeline ? "current" : plan.TargetTimeline.ToString();
            new RecoverySettings(plan.Target, timeline, options.Action, options.RestoreCommand, Standby: false) { ArchiveOff = options.ArchiveOff }.WriteTo(directory);
            target.Complete();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImpossiblePlanException(
                $"{directory} could not be filled: {e.Message}",
                "check the space on its file system; the same command may be run again, it clears what it left behind", e);
        }

        service.Log.Information("backup {Backup} is restored into {Directory}", plan.Backup.Id, directory);
    }
}
