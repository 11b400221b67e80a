using System.Globalization;
using Pitr.Operations.Archive.Status;
using Pitr.Postgres.Cluster;
using Spectre.Console;

namespace Pitr.Cli.Output;

/// <summary>Writes a <see cref="WalStatus"/> for people: one sentence, what is wrong, and a table.</summary>
static class WalStatusText
{
    public static void Print(WalStatus status)
    {
        var colour = status.Problems.Count > 0 ? "red" : status.Unknown.Count > 0 ? "yellow" : "green";
        AnsiConsole.MarkupLine($"[{colour}]{Markup.Escape(Sentence(status))}[/]");
        foreach (var problem in status.Problems)
        {
            AnsiConsole.MarkupLine($"[red]wrong:[/] {Markup.Escape(problem.Text)}");
            if (problem.Hint is { } hint)
            {
                AnsiConsole.MarkupLine($"       [yellow]fix:[/] {Markup.Escape(hint)}");
            }
        }

        foreach (var unknown in status.Unknown)
        {
            AnsiConsole.MarkupLine($"[yellow]not known:[/] {Markup.Escape(unknown.Text)}");
        }

        AnsiConsole.Write(Table(status));
        if (status.Server?.Slots is { Count: > 0 } slots)
        {
            var table = new Table().Border(TableBorder.Simple).AddColumns("replication slot", "kind", "in use", "keeps WAL from", "kept", "state", "may grow by");
            foreach (var slot in slots)
            {
                table.AddRow(
                    Markup.Escape(slot.Name),
                    slot.Kind,
                    slot.IsActive ? "yes" : "no",
                    slot.RestartLsn?.ToString() ?? "-",
                    slot.RestartLsn is { } from && status.Position is { } to && to > from ? Texts.Size((long)(to - from)) : "-",
                    slot.WalStatus ?? "-",
                    slot.SafeWalSize is { } safe ? Texts.Size(safe) : "-");
            }

            AnsiConsole.Write(table);
        }
    }

    /// <summary>The state in one sentence.</summary>
    public static string Sentence(WalStatus status) => string.Join("; ", Parts(status));

    static IEnumerable<string> Parts(WalStatus status)
    {
        yield return $"{status.Service}: {Archiving(status)}";
        yield return status switch
        {
            { LastCommit: { } commit, Unsearched: [] } => $"last archived commit {Age(status.At - commit)} ago",
            { LastCommit: { } commit } => $"last archived commit at most {Age(status.At - commit)} ago, {Silent(status)}",
            { Unsearched: [] } => "no archived commit found",
            _ => $"the last archived commit is not known, {Silent(status)}",
        };
        if (status.LagBytes is { } bytes && status.Lag is { } lag)
        {
            yield return bytes == 0 ? "no lag" : $"lag {Texts.Size(bytes)} / {Age(lag)}";
        }

        if (status.PgWal is { } content)
        {
            yield return $"pg_wal {Texts.Size(content.Bytes)}, {Texts.Size(content.FreeBytes)} of {Texts.Size(content.DiskBytes)} free";
        }

        if (status.Runway is { } runway)
        {
            yield return Runway(runway);
        }
    }

    static string Archiving(WalStatus status) => status.Archiving switch
    {
        WalArchiving.KeepsUp => status.Server is null ? $"the server does not answer{State(status)}, nothing complete waits for long" : "archiving keeps up",
        WalArchiving.CatchesUp => $"archiving catches up, {status.Ready} files wait",
        WalArchiving.Fails => $"ARCHIVING FAILS{Waiting(status)}",
        WalArchiving.Stalls => $"ARCHIVING STALLS{State(status)}{Waiting(status)}",
        WalArchiving.Off => "NOTHING IS ARCHIVED, archive_mode is off",
        WalArchiving.Standby => "a standby, its primary archives",
        _ => "it is not known whether archiving works",
    };

    static string Waiting(WalStatus status) => status is { Ready: { } ready, ReadySince: { } since } ? $" since {Texts.Moment(since)}, {ready} files wait" : "";

    static string State(WalStatus status) => status is { Server: null, Control.State: ClusterState.ShutDown or ClusterState.ShutDownInRecovery } ? " (it was shut down)" : "";

    static string Runway(PgWalRunway runway) => runway switch
    {
        { TimeLeft: { } left } => $"at the present rate full in {Age(left)}",
        { GrowthRate: > 0 } => "growing so slowly that the disk lasts for ever",
        { HoldsFor: { } holds } => $"not growing; if archiving stopped now, full in {Age(holds)}",
        _ => "not growing",
    };

    static Table Table(WalStatus status)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("what", "value");
        void Row(string what, string? value) => table.AddRow(what, Markup.Escape(value ?? "not known"));

        Row("server is at", status.Position is { } position ? $"{position} on timeline {status.Timeline}{From(status)}" : null);
        Row("archived to", status.ArchivedTo?.ToString());
        Row("lag", status.LagBytes is { } lag ? $"{Texts.Size(lag)}, {Age(status.Lag!.Value)}" : null);
        Row("last archived commit", status switch
        {
            { LastCommit: { } commit, Unsearched: [] } => Texts.Moment(commit),
            { LastCommit: { } commit } => $"{Texts.Moment(commit)} or later, {Silent(status)}",
            { Unsearched: [] } => "none found",
            _ => $"not known, {Silent(status)}",
        });
        foreach (var repository in status.Repositories)
        {
            var owed = repository.Owed > 0 ? $"; is owed {repository.Owed} objects since {Texts.Moment(repository.OwedSince!.Value)}" : "";
            Row($"repository {repository.Name}", (repository.Unanswered is not null ? "did not answer" : Holds(repository)) + owed);
        }

        Row("waiting for the archiver", status.Ready is { } ready ? status.ReadySince is { } since ? $"{ready} files, the first for {Age(status.At - since)}" : $"{ready} files" : null);
        if (status.Server is { } server)
        {
            Row("archived since start of statistics", Count(server.Archiver.ArchivedCount, "last", server.Archiver.LastArchivedWal, server.Archiver.LastArchivedTime));
            Row("failed since start of statistics", Count(server.Archiver.FailedCount, "last", server.Archiver.LastFailedWal, server.Archiver.LastFailedTime));
            Row("archive_timeout", server.ArchiveTimeout == TimeSpan.Zero ? "off" : Texts.Span(server.ArchiveTimeout));
            Row("max_slot_wal_keep_size", server.MaxSlotWalKeepBytes is { } keep ? Texts.Size(keep) : "without limit");
        }

        Row("pg_wal", status.PgWalBytes is { } bytes ? Texts.Size(bytes) + (status.PgWal is { } content ? $", {content.Segments} segments, {content.PreparedSegments} of them prepared" : "") : null);
        Row("free on its disk", status.PgWal is { } disk ? $"{Texts.Size(disk.FreeBytes)} of {Texts.Size(disk.DiskBytes)}" : null);
        Row("WAL is written at", status.Runway?.WalRate is { } rate ? $"{Texts.Size((long)rate)}/s" : null);
        Row("pg_wal grows at", status.Runway is { } runway ? runway.GrowthRate > 0 ? $"{Texts.Size((long)runway.GrowthRate)}/s, held back by the {runway.HeldBy}" : "not, nothing holds WAL back" : null);
        return table;
    }

    static string Silent(WalStatus status) => $"{(status.Unsearched.Count == 1 ? "repository" : "repositories")} {string.Join(", ", status.Unsearched)} did not answer";

    static string Holds(RepositoryWalStatus repository)
    {
        var segment = repository.Newest is { } newest ? $"{newest}, stored {Texts.Moment(repository.Stored!.Value)}" : "no whole segment";
        return repository switch
        {
            { StreamedTo: { } to } => $"{segment}; streamed to {to}, {Texts.Moment(repository.Streamed!.Value)}",
            { Newest: not null } => segment,
            _ => "holds no WAL",
        };
    }

    static string From(WalStatus status) => status.PositionFrom switch
    {
        "server" => "",
        "pg_wal" => ", read from pg_wal",
        _ => ", the last checkpoint",
    };

    static string Count(long count, string which, string? name, DateTimeOffset? time) =>
        count.ToString(CultureInfo.InvariantCulture) + (name is null ? "" : $", {which} {name}{(time is { } at ? $" at {Texts.Moment(at)}" : "")}");

    static string Age(TimeSpan span) => Texts.Span(span < TimeSpan.Zero ? TimeSpan.Zero : span);
}
