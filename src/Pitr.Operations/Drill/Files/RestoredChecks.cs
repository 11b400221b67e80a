using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Pitr.Format.Catalog;
using Pitr.Operations.Configuration;
using Pitr.Operations.Files;
using Pitr.Operations.Restore;
using Pitr.Operations.Scratch;
using Pitr.Operations.Services;
using Pitr.Postgres;

namespace Pitr.Operations.Drill.Files;

/// <summary>Everything that a drill looks at in a restored tree.</summary>
/// <param name="service">The service.</param>
/// <param name="backup">The backup.</param>
/// <param name="plan">What the manifest says that is meant.</param>
/// <param name="request">What was asked for.</param>
/// <param name="scratch">Where the tree is.</param>
sealed class RestoredChecks(FilesService service, BackupDocument backup, TreePlan plan, FilesDrillRequest request, ScratchSpace scratch)
{
    const int MostNamed = 5;
    const string TreeCheck = "tree";

    readonly PathSelection _selection = PathSelection.Parse(request.Paths);
    readonly List<string> _warnings = [];

    /// <summary>What is no failure, but should be looked at.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>What was found; null when it could not be looked at.</summary>
    public TreeCounts? Found { get; private set; }

    /// <summary>Does all of it.</summary>
    /// <param name="checks">Takes the results.</param>
    /// <param name="digests">What was decrypted.</param>
    /// <param name="restored">What the restore did.</param>
    /// <param name="progress">Told what is looked at.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task RunAsync(List<DrillCheck> checks, ContentDigests digests, FilesRestored restored, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var series = new CheckSeries(service.Clock, checks, progress, Reason);
        Warn(restored);
        using var root = OpenRoot();
        await series.RunAsync(new DrillCheck("backup is complete", false, ""), _ => Task.FromResult(CompareProblems()), cancellation);
        await series.RunAsync(new DrillCheck(TreeCheck, false, ""), token => Task.Run(() => CompareCounts(restored, token), token), cancellation);
        await series.RunAsync(new DrillCheck("names and rights", false, ""), token => Task.Run(() => CompareStatus(root, restored, token), token), cancellation);
        await series.RunAsync(new DrillCheck("content", false, ""), token => CompareContentAsync(root, digests, progress, token), cancellation);
        if (!_selection.IsAll)
        {
            // They are written for everything that is backed up.
            Say(service.Settings.Drill.Checks.Count, "checks of the configuration were left out, because only a part was restored");
            return;
        }

        foreach (var check in service.Settings.Drill.Checks)
        {
            if (check is RunCheckSettings run)
            {
                var command = new RunCheck(run, service.Settings.Drill.CheckTimeout, service.Clock, scratch, service.Configuration.SecretVariables);
                await series.RunAsync(command.Undone, command.RunAsync, cancellation);
            }
            else if (check is PathCheckSettings path)
            {
                var there = new PathCheck(path, backup, scratch.Data);
                await series.RunAsync(there.Undone, token => Task.Run(() => there.Run(token), token), cancellation);
            }
        }
    }

    static string Reason(Exception e) => e is ServerException or IOException ? e.Message : $"{e.GetType().Name}: {e.Message}";

    SafeFileHandle OpenRoot()
    {
        using var top = OpenDirectory.OpenRoot();
        byte[] path = [.. System.Text.Encoding.UTF8.GetBytes(scratch.Data), 0];
        var opened = OpenDirectory.Open(top, path);
        return opened.IsInvalid ? throw TreeError.Last("cannot be opened", scratch.Data) : opened;
    }

    // What this user or file system may not have is no fault of the backup.
    void Warn(FilesRestored restored)
    {
        Say(restored.OtherOwners, "belong to another user or group than in the backup: only root may give files away");
        Say(restored.AttributesLeftOut, "extended attributes could not be set here");
        Say(restored.DevicesLeftOut, "devices were left out: only root may make them");
        Say(restored.SocketsLeftOut, "sockets were left out: their servers make them");
        Say(backup.Tree?.Changed ?? 0, "files changed while they were read (CHANGED), and are as they were read");
    }

    void Say(int count, string what)
    {
        if (count > 0)
        {
            _warnings.Add(string.Create(CultureInfo.InvariantCulture, $"{count} {what}"));
        }
    }

    DrillCheck CompareProblems()
    {
        TreeProblem[] lacking = [.. backup.Tree?.Problems.Where(p => p.What == "unreadable" && _selection.Holds(p.Path.TrimStart('/'), isDirectory: false)) ?? []];
        // A hundred are named; of those that are not, nobody knows where they lie.
        var count = _selection.IsAll ? backup.Tree?.Unreadable ?? 0 : lacking.Length;
        return new DrillCheck("backup is complete", count == 0, count == 0
            ? "everything could be read when it was taken"
            : string.Create(CultureInfo.InvariantCulture, $"{count} files or directories could not be read when it was taken (NOT STORED): {string.Join("; ", lacking.Take(MostNamed).Select(p => $"{p.Path}: {p.Reason}"))}"));
    }

    DrillCheck CompareCounts(FilesRestored restored, CancellationToken cancellation)
    {
        var walk = new RestoredWalk(scratch.Data);
        var found = TreeCounts.Of(walk, cancellation);
        Found = found;
        var wanted = TreeCounts.Of(plan, cancellation);
        var makeable = wanted with { Specials = wanted.Specials - restored.DevicesLeftOut };
        var said = found.ToReport([]).ToString();
        if (wanted.IsEmpty)
        {
            return new DrillCheck(TreeCheck, false, $"the backup is empty: {said}. Is what should be there mounted, and not excluded?");
        }

        Say(walk.Closed, "directories are closed to this user, and were not counted; root could look into them");
        var wrong = _selection.IsAll ? wanted.Differences(TreeCounts.Of(backup), "the backup's entry").ToList() : [];
        if (walk.Closed == 0)
        {
            wrong.AddRange(found.Differences(makeable, "the backup"));
        }

        return new DrillCheck(TreeCheck, wrong.Count == 0, wrong.Count > 0 ? string.Join("; ", wrong) : $"{said}{(walk.Closed == 0 ? "; as in the backup" : "")}");
    }

    DrillCheck CompareStatus(SafeFileHandle root, FilesRestored restored, CancellationToken cancellation)
    {
        var findings = new Findings();
        new RestoredStatus(plan, root, restored, findings).Compare(cancellation);
        var closed = findings.Closed == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", but for {findings.Closed} that are closed to this user");
        return findings.ToCheck("names and rights", $"names, types, modes, times, links and attributes are as in the backup{closed}");
    }

    async Task<DrillCheck> CompareContentAsync(SafeFileHandle root, ContentDigests digests, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var findings = new Findings();
        var content = new RestoredContent(plan, root, digests, findings);
        await content.CompareAsync(service.Backup.Jobs, Found?.Bytes ?? 0, progress, cancellation);
        Say(findings.Closed, "files could not be read back by this user; root could");
        return findings.ToCheck("content", string.Create(CultureInfo.InvariantCulture, $"{content.Bytes:N0} bytes were read back, and are what was decrypted"));
    }
}
