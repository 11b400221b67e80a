using System.Globalization;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Recovery;
using Pitr.Storage;

namespace Pitr.Operations.Restore.InPlace;

/// <summary>
/// Brings a service's own cluster back to a moment, where it is: stops its server, moves its directories aside, restores into their place, starts the
/// server and waits for it. Whatever fails on the way, the old cluster is put back. It is never removed before the new one has started.
/// </summary>
public sealed class InPlaceRestore : IDisposable
{
    /// <summary>The option that asks for it.</summary>
    public const string Option = "--in-place";

    readonly PostgresService _service;
    readonly ServerControl _control;
    readonly InPlaceRollBack _back;
    FileStream? _lock;

    InPlaceRestore(PostgresService service, string directory)
    {
        _service = service;
        _control = new ServerControl(service, directory);
        _back = new InPlaceRollBack(service, _control, directory);
        Directory = directory;
        Interrupted = InPlaceJournal.TryRead(directory);
        Wal = Interrupted is { } journal ? journal.Wal : LinkedWal.Find(directory);
        ServerRuns = RunningServer.Find(directory) is not null;
        Id = Interrupted?.Id ?? ClusterSwap.FreeId(directory, service.Clock.GetUtcNow());
        Moves = Interrupted?.Moves ?? ClusterSwap.Moves(directory, Id);
    }

    /// <summary>The data directory, links resolved.</summary>
    public string Directory { get; }

    /// <summary>Of this restore; part of the names aside.</summary>
    public string Id { get; }

    /// <summary>An earlier one that was killed and has to be ended first, forward or back; null when there is none.</summary>
    public InPlaceJournal? Interrupted { get; }

    /// <summary>The last one that succeeded, if its old cluster is still there; null otherwise, and while one is interrupted.</summary>
    /// <exception cref="ImpossiblePlanException">Its journal cannot be read.</exception>
    public InPlaceJournal? Kept => Interrupted is null ? InPlaceJournal.TryReadKept(Directory) : null;

    /// <summary>Where the cluster has its WAL, when that is elsewhere.</summary>
    public LinkedWal? Wal { get; }

    /// <summary>Whether the server runs now.</summary>
    public bool ServerRuns { get; }

    /// <summary>What is moved aside, and where to; the data directory first.</summary>
    public IReadOnlyList<InPlaceMove> Moves { get; }

    /// <summary>Where the old data directory is now; null when there is none.</summary>
    public string? OldDirectory =>
        Moves.FirstOrDefault(m => m.Place == Directory) is { } move && System.IO.Directory.Exists(move.Aside) ? move.Aside : System.IO.Directory.Exists(Directory) ? Directory : null;

    /// <summary>Whether an interrupted one had restored everything, so that only its server has to be waited for.</summary>
    public bool IsRestored => Interrupted is { IsRollingBack: false, Phase: InPlacePhase.Starting };

    /// <summary>Looks at a service's own cluster without touching anything.</summary>
    /// <exception cref="RefusedInputException">The configuration does not say where the data directory is, or how its server is stopped and started.</exception>
    /// <exception cref="ImpossiblePlanException">An interrupted one has left a journal that cannot be read.</exception>
    public static InPlaceRestore Open(PostgresService service)
    {
        var (settings, key) = (service.Settings, $"services.{service.Name}");
        if (settings.DataDirectory is not { } directory)
        {
            throw new RefusedInputException($"where the cluster of service {service.Name} is, the configuration does not say", $"set {key}.data-directory");
        }

        if (settings.Server is not { StopCommand: not null, StartCommand: not null })
        {
            throw new RefusedInputException(
                $"how the server of service {service.Name} is stopped and started, the configuration does not say",
                $"set {key}.server.stop-command and start-command, for example 'sudo systemctl stop postgresql@15-main' and 'sudo systemctl start postgresql@15-main'; or restore into a new directory with --to");
        }

        return new InPlaceRestore(service, TablespaceMap.RealPath(directory));
    }

    /// <summary>Keeps a second one on this host from beginning, until this is disposed.</summary>
    /// <exception cref="BusyException">One runs.</exception>
    public void Lock() => _lock = StateFile.TryLock(Path.Combine(_service.StateDirectory, "in-place.lock"))
        ?? throw new BusyException($"another restore in place of service {_service.Name} runs on this host", "wait until it has ended");

    /// <summary>Refuses to go on where an interrupted one wanted something else, or was on its way back.</summary>
    /// <param name="request">What is asked for now.</param>
    /// <exception cref="ImpossiblePlanException">It was.</exception>
    public void RequireGoesOn(string request)
    {
        var back = $"put the old cluster back with: pitr restore {_service.Name} {Option} --roll-back";
        if (Interrupted is { IsRollingBack: true })
        {
            throw new ImpossiblePlanException($"restore in place {Id} failed, and was interrupted while the old cluster was put back", back);
        }

        if (Interrupted is { } journal && journal.Request != request)
        {
            throw new ImpossiblePlanException(
                $"restore in place {Id} was interrupted; it was to restore {journal.Request}, not {request}",
                $"give the same command again to go on with it, or {back}");
        }
    }

    /// <summary>Refuses what the cluster and its surroundings show to be impossible.</summary>
    /// <param name="plan">What the planner found possible.</param>
    /// <param name="action">What is to happen at the target.</param>
    /// <param name="cancellation">Ends the questions.</param>
    /// <exception cref="ImpossiblePlanException">Another cluster is there, Patroni manages it, or something cannot be moved aside.</exception>
    /// <exception cref="ServerException">A pause at the target is asked for, and the server does not let us in.</exception>
    public async Task RequirePossibleAsync(RestorePlan plan, RecoveryAction action, CancellationToken cancellation)
    {
        if (Interrupted is not { Phase: > InPlacePhase.Stopping })
        {
            ExistingCluster.RequireOwn(Directory, plan.Backup.SystemIdentifier, Option);
            PatroniCluster.RequireNone(Directory);
            ClusterSwap.RequirePossible(Directory, Moves, Wal is null ? [] : [Wal.Directory]);
            RequireRoomForWal();
        }

        if (action == RecoveryAction.Pause && ServerRuns)
        {
            await _control.RequireLoginAsync(cancellation);
        }
    }

    // What the restored cluster replays goes there, beside the old one's.
    void RequireRoomForWal()
    {
        if (Wal is { } wal && new DriveInfo(Path.GetDirectoryName(wal.Directory)!).AvailableFreeSpace is var free and < RestoreSpace.SpaceForWal)
        {
            throw new ImpossiblePlanException(
                $"the file system of {wal.Directory}, where pg_wal is, has {free} bytes free; the restore needs {RestoreSpace.SpaceForWal} there for WAL, beside the old cluster's",
                "free some space there, or restore into a new directory with --to");
        }
    }

    /// <summary>Does it, or goes on with an interrupted one.</summary>
    /// <param name="prepared">The restore of the files; may be null only when <see cref="IsRestored"/>.</param>
    /// <param name="request">What was asked for.</param>
    /// <param name="action">What happens at the target: promote or pause.</param>
    /// <param name="progress">Told what it does.</param>
    /// <param name="cancellation">Puts the old cluster back.</param>
    /// <exception cref="RolledBackException">It failed; the message says where the old cluster is.</exception>
    public async Task<InPlaceResult> RunAsync(PreparedRestore? prepared, string request, RecoveryAction action, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var journal = Interrupted ?? new InPlaceJournal
        {
            Id = Id,
            Service = _service.Name.ToString(),
            DataDirectory = Directory,
            Request = request,
            Phase = InPlacePhase.Stopping,
            ServerRan = ServerRuns,
            Moves = Moves,
            Made = Made(prepared!),
            Wal = Wal,
        };
        IReadOnlyList<string> left = [];
        try
        {
            if (journal.Phase == InPlacePhase.Stopping)
            {
                journal = journal.Enter(InPlacePhase.Stopping);
                Report("stopping the server");
                await _control.StopAsync(cancellation);
                left = await ArchiveLeftAsync(cancellation);
            }

            if (journal.Phase <= InPlacePhase.Moving)
            {
                journal = journal.Enter(InPlacePhase.Moving);
                Report("moving the old cluster aside");
                ExistingCluster.RequireStopped(Directory, Option);
                ClusterSwap.MoveAside(journal);
                journal = journal.Enter(InPlacePhase.Restoring);
            }

            if (journal.Phase == InPlacePhase.Restoring)
            {
                await new ClusterRestore(_service).RunAsync(prepared!, progress, cancellation);
                journal = journal.Enter(InPlacePhase.Starting);
            }

            Report("starting the server and recovering");
            var (end, lastCommit) = await _control.RecoverAsync(action, cancellation);
            string[] kept = [.. journal.Moves.Select(m => m.Aside).Where(System.IO.Directory.Exists)];
            if (kept.Length > 0)
            {
                journal.Keep();
            }
            else
            {
                journal.Remove();
            }

            return new InPlaceResult(end, lastCommit, kept, left);
        }
        catch (Exception e)
        {
            throw await _back.AfterAsync(journal, e, progress);
        }

        void Report(string phase) => progress?.Report(new RestoreProgress(phase, 0, 0));
    }

    /// <summary>Refuses to put back what is not there, or cannot be moved.</summary>
    /// <exception cref="ImpossiblePlanException">None was interrupted, and none is kept.</exception>
    public void RequireRollBack()
    {
        if (Interrupted is null)
        {
            InPlaceRollBack.Require(Directory, Kept);
        }
    }

    /// <summary>Puts the old cluster back: that of an interrupted one, or that which the last one that succeeded has kept. The restored one is kept in its turn.</summary>
    /// <returns>What lies where now, in sentences.</returns>
    /// <exception cref="ImpossiblePlanException">None was interrupted, and none is kept.</exception>
    public async Task<IReadOnlyList<string>> RollBackAsync(IProgress<RestoreProgress>? progress)
    {
        RequireRollBack();
        var said = new List<string>();
        if (Interrupted is { } interrupted)
        {
            await _back.EndStoppingAsync(interrupted);
            await _back.RunAsync(interrupted, said, progress);
            return said;
        }

        progress?.Report(new RestoreProgress("stopping the server", 0, 0));
        await _control.StopAsync(CancellationToken.None);
        var left = await ArchiveLeftAsync(CancellationToken.None);
        await _back.RunAsync(Kept!, said, progress);
        said.AddRange(left.Select(l => $"of the WAL of the restored one {l}"));
        return said;
    }

    /// <summary>Removes what was kept of the old cluster.</summary>
    /// <returns>What could not be removed.</returns>
    public IReadOnlyList<string> RemoveOld(IReadOnlyList<string> kept)
    {
        // There is no way back to a half.
        InPlaceJournal.Forget(Directory);
        return _back.RemoveAll(kept);
    }

    // What the server had not archived when it stopped would stay in the old directory alone.
    async Task<IReadOnlyList<string>> ArchiveLeftAsync(CancellationToken cancellation)
    {
        var left = new List<string>();
        if (!System.IO.Directory.Exists(Directory))
        {
            return left;
        }

        foreach (var name in ExistingCluster.UnarchivedWal(Directory))
        {
            try
            {
                await new ArchivePush(_service).PushAsync(Path.Combine(Directory, "pg_wal", name), cancellation);
            }
            catch (Exception e) when (e is OperationException or StorageException)
            {
                left.Add($"{name} could not be archived: {e.Message}");
            }
        }

        if (ExistingCluster.TryReadControl(Directory) is { State: not (ClusterState.ShutDown or ClusterState.ShutDownInRecovery) } control)
        {
            var segment = WalSegmentName.FromNumber(control.Timeline, control.CheckpointLsn.Value / (ulong)control.WalSegmentSize.Bytes, control.WalSegmentSize);
            left.Add($"its server was not shut down cleanly: what it wrote last, somewhere behind {segment}, may lie in no archived segment");
        }

        return left;
    }

    // Where the restore fills a place that the old cluster does not have: its data directory, a tablespace at another place, or where the link of its pg_wal leads.
    List<string> Made(PreparedRestore prepared) =>
        [.. prepared.Places().Concat(Wal is null ? [] : [Wal.Directory]).Where(p => Moves.All(m => m.Place != p))];

    /// <inheritdoc/>
    public void Dispose() => _lock?.Dispose();
}
