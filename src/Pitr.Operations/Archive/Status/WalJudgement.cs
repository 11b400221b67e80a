using System.Globalization;
using Pitr.Format.Wal;
using Pitr.Operations.Configuration;
using Pitr.Operations.Services;

namespace Pitr.Operations.Archive.Status;

/// <summary>Says what archiving does and what is wrong, by limits that are written down (docs/operations.md). Decides nothing it does not know.</summary>
public static class WalJudgement
{
    /// <summary>The same status with <see cref="WalStatus.Archiving"/>, <see cref="WalStatus.Problems"/> and <see cref="WalStatus.Unknown"/>.</summary>
    public static WalStatus Judge(WalStatus status, WalStatusLimits limits, WalSegmentSize size)
    {
        var problems = new List<WalProblem>();
        var archiving = Archiving(status, limits);
        AddArchiving(status, archiving, limits, problems);
        AddDisk(status, limits, size, problems);
        AddSlots(status, problems);
        AddRepositories(status, problems);
        return status with { Archiving = archiving, Problems = problems, Unknown = [.. Unknown(status)] };
    }

    static WalArchiving Archiving(WalStatus status, WalStatusLimits limits)
    {
        if (status.Server is { IsArchiving: false } server)
        {
            return server.ArchiveMode == "off" ? WalArchiving.Off : WalArchiving.Standby;
        }

        if (status.Server is { Archiver.IsFailing: true } && status.Ready is null or > 0)
        {
            return WalArchiving.Fails;
        }

        var waits = status.ReadySince is { } since ? status.At - since : TimeSpan.Zero;
        return status.Ready switch
        {
            null => status.Server is null ? WalArchiving.Unknown : WalArchiving.KeepsUp,
            > 0 when waits > limits.LongestWait => WalArchiving.Stalls,
            > 1 when waits > PgWalRunway.Patience => WalArchiving.CatchesUp,
            _ => WalArchiving.KeepsUp,
        };
    }

    static void AddArchiving(WalStatus status, WalArchiving archiving, WalStatusLimits limits, List<WalProblem> problems)
    {
        var waiting = status.ReadySince is { } since ? $"{status.Ready} files wait, the first since {Moment(since)}" : "nothing is known of how many wait";
        switch (archiving)
        {
            case WalArchiving.Fails:
                var archiver = status.Server!.Archiver;
                problems.Add(new WalProblem(
                    "archiving-fails",
                    $"archiving {archiver.LastFailedWal} failed at {Moment(archiver.LastFailedTime!.Value)}; {waiting}",
                    $"the server's log holds archive_command's messages; `pitr check {status.Service}` tries the whole way"));
                break;
            case WalArchiving.Stalls:
                problems.Add(new WalProblem(
                    "archiving-stalls",
                    $"{waiting}, longer than {ConfigurationUnits.Format(limits.LongestWait)}",
                    status.Server is null ? "is the server running? it archives only then" : $"is the agent alive? `pitr check {status.Service}` tries the whole way"));
                break;
            case WalArchiving.Off:
                problems.Add(new WalProblem("archiving-off", "archive_mode is off: nothing is archived", "`pitr init --apply` sets it, and PostgreSQL must be restarted"));
                break;
            default:
                break;
        }
    }

    static void AddDisk(WalStatus status, WalStatusLimits limits, WalSegmentSize size, List<WalProblem> problems)
    {
        if (status.Runway is not { } runway)
        {
            return;
        }

        const string Hint = "give the file system space or let what holds the WAL go on; never delete files in pg_wal";
        if (runway.TimeLeft < limits.ShortestTimeLeft)
        {
            problems.Add(new WalProblem(
                "disk-fills",
                $"the disk of pg_wal is full in {Rounded(runway.TimeLeft.Value)} at the present rate; held back by the {runway.HeldBy}",
                Hint));
        }
        else if (runway.Room < (long)WalStatusLimits.FewestSegments * size.Bytes)
        {
            problems.Add(new WalProblem("disk-nearly-full", $"the disk of pg_wal has room for {runway.Room / size.Bytes} segments", Hint));
        }
    }

    static void AddSlots(WalStatus status, List<WalProblem> problems)
    {
        foreach (var slot in status.Server?.Slots ?? [])
        {
            if (slot.WalStatus == "lost")
            {
                problems.Add(new WalProblem(
                    "slot-lost", $"replication slot {slot.Name} has lost WAL that it needs", "whoever uses it must start anew; drop it: SELECT pg_drop_replication_slot(…)"));
            }
            else if (slot.WalStatus == "unreserved")
            {
                problems.Add(new WalProblem(
                    "slot-unreserved", $"replication slot {slot.Name} loses the WAL it needs at the next checkpoint", "let its user catch up now, or raise max_slot_wal_keep_size"));
            }
        }
    }

    static void AddRepositories(WalStatus status, List<WalProblem> problems)
    {
        var answered = status.Repositories.Count(r => r.Unanswered is null);
        if (answered < status.Required)
        {
            problems.Add(new WalProblem(
                "repositories-missing",
                $"{RepositoryCount.Text(status.Required)} must take a segment, and {answered} answered",
                "nothing can be archived until they answer again; pg_wal keeps it meanwhile"));
        }
    }

    static IEnumerable<WalProblem> Unknown(WalStatus status)
    {
        foreach (var repository in status.Repositories.Where(r => r.Unanswered is not null))
        {
            yield return new WalProblem("repository", $"repository {repository.Name} could not be asked: {repository.Unanswered}", null);
        }

        if (status.ServerUnanswered is { } reason)
        {
            yield return new WalProblem("server", $"the server could not be asked: {reason}", null);
        }

        if (status.PgWalUnseen is { } unseen)
        {
            yield return new WalProblem("pg-wal", $"free space and growth of pg_wal are not known: {unseen}", null);
        }
    }

    /// <summary>A span in whole units of a size that fits it, rounded down: 3h, 12m.</summary>
    internal static string Rounded(TimeSpan span) => ConfigurationUnits.Format(span switch
    {
        { TotalDays: >= 2 } => TimeSpan.FromDays(Math.Floor(span.TotalDays)),
        { TotalHours: >= 2 } => TimeSpan.FromHours(Math.Floor(span.TotalHours)),
        { TotalMinutes: >= 2 } => TimeSpan.FromMinutes(Math.Floor(span.TotalMinutes)),
        _ => TimeSpan.FromSeconds(Math.Floor(span.TotalSeconds)),
    });

    static string Moment(DateTimeOffset moment) => moment.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
