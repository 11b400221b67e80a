using System.Globalization;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;
using Pitr.Storage;

namespace Pitr.Operations.Restore.InPlace;

/// <summary>The way back of a restore in place: the old cluster into its place, what was in it aside, the old server as it was.</summary>
/// <param name="service">The service.</param>
/// <param name="control">Its server.</param>
/// <param name="dataDirectory">Absolute, links resolved.</param>
sealed class InPlaceRollBack(PostgresService service, ServerControl control, string dataDirectory)
{
    /// <summary>Waits for the end of a stop that had begun: the command of one that was killed or interrupted may not have come through yet.</summary>
    public async Task EndStoppingAsync(InPlaceJournal journal)
    {
        if (journal is { Phase: InPlacePhase.Stopping, ServerRan: true } && RunningServer.Find(dataDirectory) is not null)
        {
            await control.StopAsync(CancellationToken.None);
        }
    }

    /// <summary>Puts the old cluster back after a failure.</summary>
    /// <returns>What to throw: the failure, and what lies where.</returns>
    public async Task<RolledBackException> AfterAsync(InPlaceJournal journal, Exception cause, IProgress<RestoreProgress>? progress)
    {
        var reason = cause is OperationCanceledException ? "interrupted" : cause.Message;
        var hint = cause switch
        {
            OperationException operation => operation.Hint,
            ServerException server => server.Hint,
            StorageException storage => storage.Hint,
            _ => null,
        };
        var said = new List<string>();
        try
        {
            if (cause is OperationCanceledException)
            {
                await EndStoppingAsync(journal);
            }

            await RunAsync(journal, said, progress);
            return new RolledBackException($"{reason}\nrolled back: {string.Join("; ", said)}", hint, cause);
        }
        catch (Exception e)
        {
            var where = InPlaceJournal.TryRead(dataDirectory) is null
                ? "the old cluster is in its place"
                : $"the old cluster lies in {string.Join(", ", journal.Moves.Select(m => Directory.Exists(m.Aside) ? m.Aside : m.Place))}";
            return new RolledBackException(
                $"{reason}\nrolling back failed: {string.Join("; ", said.Append(e.Message))}; {where}",
                InPlaceJournal.TryRead(dataDirectory) is null ? "start its server by hand" : $"cure that, then: pitr restore {service.Name} {InPlaceRestore.Option} --roll-back",
                cause);
        }
    }

    /// <summary>Puts the old cluster back. Not to be interrupted: half of the way back is worse than either end.</summary>
    /// <param name="journal">Of the restore.</param>
    /// <param name="said">Takes what lies where now, in sentences.</param>
    /// <param name="progress">Told what it does.</param>
    public async Task RunAsync(InPlaceJournal journal, List<string> said, IProgress<RestoreProgress>? progress)
    {
        progress?.Report(new RestoreProgress("putting the old cluster back", 0, 0));
        Timeline? ended = null;
        var wasMoved = journal.IsMoved;
        if (journal.IsMoved || journal.Moves.Count == 0)
        {
            ended = journal.Phase >= InPlacePhase.Starting ? ExistingCluster.TryReadControl(dataDirectory)?.Timeline : null;
            if (RunningServer.Find(dataDirectory) is not null)
            {
                await control.StopAsync(CancellationToken.None);
            }
        }

        if (journal.IsWritten)
        {
            journal = journal.EnterRollBack();
        }

        KeepOrRemove(journal, ClusterSwap.PutBack(journal), said);
        // From here on the old cluster is what it was, whether its server can be started or not.
        journal.Remove();
        said.Insert(0, wasMoved ? $"the old cluster is in {dataDirectory} again" : $"nothing of {dataDirectory} was changed");

        if (journal.ServerRan)
        {
            await control.StartAsync(CancellationToken.None);
        }

        said.Insert(1, journal.ServerRan ? "its server runs" : "no server runs, as before");
        if (ended is { } timeline && ExistingCluster.TryReadControl(dataDirectory)?.Timeline is { } own && timeline != own)
        {
            said.Add($"the {(journal.Phase == InPlacePhase.Done ? "restored" : "failed")} one had begun timeline {timeline}, which may be archived: until the old one has a newer timeline, restore with --target-timeline {own}");
        }
    }

    // One that was started has a log that says why it failed. Where there is no room, the old server is worth more.
    void KeepOrRemove(InPlaceJournal journal, IReadOnlyList<string> failed, List<string> said)
    {
        if (failed.Count == 0)
        {
            return;
        }

        if (journal.Phase == InPlacePhase.Done)
        {
            said.Add($"the restored one is kept, with everything that was written since: {string.Join(", ", failed)}");
            return;
        }

        if (journal.Phase == InPlacePhase.Starting && new DriveInfo(failed[0]).AvailableFreeSpace >= RestoreSpace.SpaceForWal)
        {
            said.Add($"the failed one is kept for a look at its log: {string.Join(", ", failed)}");
            return;
        }

        if (RemoveAll(failed) is { Count: > 0 } left)
        {
            said.Add($"the failed one could not be removed: {string.Join(", ", left)}");
        }
    }

    /// <summary>Refuses to undo what did not succeed, is not there any more, or cannot be moved.</summary>
    /// <param name="dataDirectory">Absolute, links resolved.</param>
    /// <param name="kept">The journal of the restore.</param>
    /// <exception cref="ImpossiblePlanException">Why not.</exception>
    public static void Require(string dataDirectory, InPlaceJournal? kept)
    {
        if (kept is null)
        {
            throw new ImpossiblePlanException(
                $"no restore in place of {dataDirectory} was interrupted, and none has kept its old cluster: there is nothing to roll back", ByHand(dataDirectory));
        }

        if (ExistingCluster.TryReadControl(kept.Moves[0].Aside)?.SystemIdentifier is { } identifier)
        {
            ExistingCluster.RequireOwn(dataDirectory, identifier.ToString(CultureInfo.InvariantCulture), $"{InPlaceRestore.Option} --roll-back");
        }

        PatroniCluster.RequireNone(dataDirectory);
        ClusterSwap.RequirePossible(dataDirectory, kept.Moves);
    }

    // Of restores before the last one, and of those whose journal is gone.
    static string ByHand(string dataDirectory)
    {
        var (parent, name) = (Path.GetDirectoryName(dataDirectory)!, Path.GetFileName(dataDirectory));
        string[] aside = Directory.Exists(parent) ? [.. Directory.EnumerateDirectories(parent, $"{name}.before-*").Order(StringComparer.Ordinal)] : [];
        return aside.Length == 0
            ? $"no {name}.before-… lies beside the data directory either"
            : $"by hand: stop the server, mv {dataDirectory} {dataDirectory}.undone, mv {aside[^1]} {dataDirectory}, the same for what lies as .before-{aside[^1][(aside[^1].LastIndexOf('-') + 1)..]} in tablespaces and beside a linked pg_wal, and start the server";
    }

    /// <summary>Removes directories.</summary>
    /// <returns>Those that could not be removed.</returns>
    public List<string> RemoveAll(IReadOnlyList<string> kept)
    {
        var left = new List<string>();
        foreach (var directory in kept)
        {
            try
            {
                RestoreDirectory.Remove(directory);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                service.Log.Warning("{Directory} could not be removed: {Reason}", directory, e.Message);
                left.Add(directory);
            }
        }

        return left;
    }
}
