using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore.InPlace;
using Pitr.Operations.Services;
using Pitr.Postgres.Recovery;
using Pitr.Storage;

namespace Pitr.Operations.Restore;

/// <summary>Carries a plan out: checks directories and space, writes the files, then the recovery settings PostgreSQL starts with.</summary>
public sealed class ClusterRestore(PostgresService service)
{
    static readonly HashSet<int> NoPacks = [];

    /// <summary>Refuses what the data directory alone shows to be impossible, before anything is fetched.</summary>
    /// <exception cref="ImpossiblePlanException">The directory is not empty and may not be used.</exception>
    public static void RequirePossible(string directory, RestoreMode mode)
    {
        if (mode != RestoreMode.InPlace)
        {
            InPlaceJournal.RequireNone(directory);
        }

        if (mode == RestoreMode.New || File.Exists(directory))
        {
            RestoreDirectory.RequireFillable(directory);
        }
    }

    /// <summary>Reads the manifest and refuses a restore that cannot end well, without touching any directory.</summary>
    /// <param name="plan">What the planner found possible.</param>
    /// <param name="directory">The data directory to be, absolute.</param>
    /// <param name="options">How it is set up.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="ImpossiblePlanException">A directory may not be used, or there is not enough space.</exception>
    public async Task<PreparedRestore> PrepareAsync(RestorePlan plan, string directory, RestoreOptions options, CancellationToken cancellation)
    {
        RequirePossible(directory, options.Mode);
        var option = options.Mode == RestoreMode.Delta ? "--delta" : "--overwrite";
        var replaces = options.Mode is RestoreMode.Delta or RestoreMode.Overwrite && ExistingCluster.Require(directory, plan.Backup.SystemIdentifier, option);
        if (replaces)
        {
            await RequireArchivedAsync(directory, cancellation);
        }

        var mark = RestoreMark.TryRead(directory);
        var goesOn = options.Mode != RestoreMode.Overwrite && mark?.IsOf(plan.Backup) == true;
        var keepsFiles = goesOn || (replaces && options.Mode == RestoreMode.Delta);
        var content = await new RestoreContentReader(service).ReadAsync(plan.Backup, keepsFiles, goesOn ? mark!.Packs : NoPacks, cancellation);
        try
        {
            var map = options.OldDirectory is { } old ? options.Tablespaces.With(ExistingCluster.TablespaceLinks(old)) : options.Tablespaces;
            var places = map.Place(content.Tablespaces, directory);
            // A restore that was killed at its very end has taken the marks out of tablespaces already; its links say whose they are.
            var linked = replaces || mark?.IsOf(directory) == true ? ExistingCluster.TablespaceDirectories(directory) : new HashSet<string>();
            if (options.OldDirectory is { } replaced)
            {
                linked = linked.Union(ExistingCluster.TablespaceDirectories(replaced)).ToHashSet();
            }

            RestoreDirectory.RequireFillable(places, directory, linked);
            var space = RestoreSpace.Require(
                [(directory, content.Bytes[0], Freed(directory, directory)), .. places.Select((p, i) => (p.Directory, content.Bytes[i + 1], Freed(p.Directory, [.. content.VersionDirectories(i + 1).Select(v => Path.Combine(p.Directory, v))])))]);
            await RequireKeysAsync(plan, cancellation);
            return new PreparedRestore(plan, directory, options, content, places, space, keepsFiles);
        }
        catch
        {
            content.Dispose();
            throw;
        }

        // What was moved aside stays; an unfinished restore in its place is written over.
        long Freed(string place, params IReadOnlyList<string> directories) =>
            options.Mode == RestoreMode.InPlace && !RestoreMark.IsIn(place) ? 0 : (options.Mode == RestoreMode.InPlace ? directories : [place]).Sum(RestoreSpace.BytesIn);
    }

    /// <summary>Restores into a directory; afterwards starting PostgreSQL there recovers to the target.</summary>
    /// <param name="plan">What the planner found possible.</param>
    /// <param name="directory">The data directory to be, absolute.</param>
    /// <param name="options">How it is set up.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Ends the work; the directory stays marked as incomplete.</param>
    public async Task RunAsync(RestorePlan plan, string directory, RestoreOptions options, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        using var prepared = await PrepareAsync(plan, directory, options, cancellation);
        await RunAsync(prepared, progress, cancellation);
    }

    /// <summary>Carries a prepared restore out.</summary>
    /// <returns>Bytes that were there already and were kept.</returns>
    public async Task<long> RunAsync(PreparedRestore restore, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        if (restore.Options.Mode == RestoreMode.InPlace)
        {
            RestoreDirectory.RequireFillable(restore.Directory);
            RestoreDirectory.RequireMovedAside(restore.Tablespaces, restore.Content);
        }

        try
        {
            restore.Options.Wal?.TakeBack(restore.Directory);
            var target = RestoreDirectory.Prepare(restore.Directory, restore.Tablespaces, RestoreMark.Of(restore.Backup, restore.Directory, restore.Content.WrittenPacks));
            await MakeRoomAsync(restore, target, cancellation);
            var files = new RestoreFiles(service);
            var writer = await files.WriteAsync(restore.Content, restore.Backup, target, progress, cancellation);
            Settings(restore.Plan, restore.Options).WriteTo(restore.Directory);
            restore.Options.Wal?.Put(restore.Directory);
            RestoreFiles.WriteControlFile(writer, target);
            target.Complete();
            service.Log.Information("backup {Backup} is restored into {Directory}", restore.Backup.Id, restore.Directory);
            return writer.KeptBytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImpossiblePlanException(
                $"{restore.Directory} could not be filled: {e.Message}",
                "check the space on its file system; the same command may be run again, it goes on where it can and clears what it cannot use", e);
        }
    }

    async Task MakeRoomAsync(PreparedRestore restore, RestoreDirectory target, CancellationToken cancellation)
    {
        // From here on the directory is no cluster any more, and the mark that says so is durable before anything else changes.
        var controlFile = new FileInfo(Path.Combine(target.Root, Postgres.Cluster.ControlFile.RelativePath));
        if (controlFile.Exists && controlFile.Directory!.LinkTarget is null)
        {
            controlFile.Delete();
            target.Sync();
        }

        if (!restore.KeepsFiles)
        {
            target.Clear(restore.Content);
            return;
        }

        if (new ExistingFiles(restore.Content, target).Match())
        {
            return;
        }

        service.Log.Warning("{Directory} is not as an earlier restore left it; every file is compared again", restore.Directory);
        restore.Content.Dispose();
        restore.Content = await new RestoreContentReader(service).ReadAsync(restore.Backup, keepsZeros: true, NoPacks, cancellation);
        RestoreMark.Of(restore.Backup, restore.Directory, NoPacks).WriteTo(target.Root);
        new ExistingFiles(restore.Content, target).Match();
    }

    static RecoverySettings Settings(RestorePlan plan, RestoreOptions options)
    {
        if (options.Standby)
        {
            return new RecoverySettings(RecoveryTarget.Latest, "latest", options.Action, options.RestoreCommand, Standby: true)
            {
                ArchiveOff = options.ArchiveOff,
                PrimaryConnectionInfo = options.PrimaryConnectionInfo,
            };
        }

        var timeline = plan.TargetTimeline.Value == plan.Backup.Timeline ? "current" : plan.TargetTimeline.ToString();
        return new RecoverySettings(plan.Target, timeline, options.Action, options.RestoreCommand, Standby: false) { ArchiveOff = options.ArchiveOff };
    }

    // The manifest has been opened by now; WAL may be sealed with other data keys.
    async Task RequireKeysAsync(RestorePlan plan, CancellationToken cancellation)
    {
        var archive = new Archive.WalArchive(service);
        foreach (var segment in new[] { plan.FirstWal, plan.LastWal }.Distinct())
        {
            await service.OpeningKeys.GetAsync((await archive.ReadHeaderAsync(segment, cancellation)).KeyId, cancellation);
        }
    }

    // What a server that broke down had not archived yet is in its pg_wal and nowhere else, and that is about to go.
    async Task RequireArchivedAsync(string directory, CancellationToken cancellation)
    {
        foreach (var name in ExistingCluster.UnarchivedWal(directory))
        {
            var isKnown = Format.Wal.WalFileName.TryParse(name, out var file);
            if (!isKnown || !await IsStoredAsync(RepositoryLayout.Wal(service.Name, file), cancellation))
            {
                throw new ImpossiblePlanException(
                    $"{directory}/pg_wal/{name} was never archived, and would be removed",
                    $"archive it first: pitr wal push {service.Name} {directory}/pg_wal/{name}; if it is not wanted, remove {directory}/pg_wal/archive_status/{name}.ready");
            }
        }
    }

    async Task<bool> IsStoredAsync(string key, CancellationToken cancellation)
    {
        var asked = await service.Repositories.AskFirstAsync(
            async (store, token) => await store.StatAsync(key, token) ?? throw new ObjectNotFoundException(store.Name, key), cancellation);
        return asked.IsAnswered || (asked.IsProvenAbsent ? false : throw asked.Failure);
    }
}
