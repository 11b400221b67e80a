using System.Text.Json.Nodes;
using Pitr.Operations.Archive.Status;

namespace Pitr.Cli.Output;

/// <summary>Writes a <see cref="WalStatus"/> as docs/json.md has it.</summary>
static class WalStatusJson
{
    public static JsonObject Of(WalStatus status, WalStatusLimits limits, bool passed) => new()
    {
        ["format"] = 1,
        ["service"] = status.Service,
        ["passed"] = passed,
        ["archiving"] = Word(status.Archiving),
        ["sentence"] = WalStatusText.Sentence(status),
        ["problems"] = Json.Array(status.Problems, Of),
        ["unknown"] = Json.Array(status.Unknown, Of),
        ["at"] = Json.Moment(status.At),
        ["timeline"] = status.Timeline?.Value,
        ["position"] = status.Position?.ToString(),
        ["position-from"] = status.PositionFrom,
        ["archived-to"] = status.ArchivedTo?.ToString(),
        ["lag-bytes"] = status.LagBytes,
        ["lag-seconds"] = status.Lag?.TotalSeconds,
        ["last-commit"] = Json.Moment(status.LastCommit),
        ["ready"] = status.Ready,
        ["ready-since"] = Json.Moment(status.ReadySince),
        ["archiver"] = Archiver(status),
        ["pg-wal"] = PgWal(status),
        ["runway"] = Runway(status),
        ["limits"] = new JsonObject { ["max-wait-seconds"] = limits.LongestWait.TotalSeconds, ["min-time-left-seconds"] = limits.ShortestTimeLeft.TotalSeconds },
        ["repositories"] = Json.Array(status.Repositories, repository => new JsonObject
        {
            ["name"] = repository.Name,
            ["answered"] = repository.Unanswered is null,
            ["reason"] = repository.Unanswered,
            ["newest"] = repository.Newest?.ToString(),
            ["newest-stored"] = Json.Moment(repository.Stored),
            ["streamed-to"] = repository.StreamedTo?.ToString(),
            ["streamed"] = Json.Moment(repository.Streamed),
            ["owed"] = repository.Owed,
            ["owed-since"] = Json.Moment(repository.OwedSince),
        }),
        ["slots"] = Slots(status),
    };

    static JsonObject Of(WalProblem problem) => new() { ["name"] = problem.Name, ["text"] = problem.Text, ["hint"] = problem.Hint };

    static string Word(WalArchiving archiving) => archiving switch
    {
        WalArchiving.KeepsUp => "keeps-up",
        WalArchiving.CatchesUp => "catches-up",
        WalArchiving.Fails => "fails",
        WalArchiving.Stalls => "stalls",
        WalArchiving.Off => "off",
        WalArchiving.Standby => "standby",
        _ => "unknown",
    };

    static JsonObject? Archiver(WalStatus status) => status.Server is not { } server ? null : new JsonObject
    {
        ["mode"] = server.ArchiveMode,
        ["timeout-seconds"] = server.ArchiveTimeout.TotalSeconds,
        ["archived"] = server.Archiver.ArchivedCount,
        ["last-archived"] = server.Archiver.LastArchivedWal,
        ["last-archived-time"] = Json.Moment(server.Archiver.LastArchivedTime),
        ["failed"] = server.Archiver.FailedCount,
        ["last-failed"] = server.Archiver.LastFailedWal,
        ["last-failed-time"] = Json.Moment(server.Archiver.LastFailedTime),
        ["statistics-reset"] = Json.Moment(server.Archiver.StatisticsReset),
    };

    static JsonObject PgWal(WalStatus status) => new()
    {
        ["bytes"] = status.PgWalBytes,
        ["segments"] = status.PgWal?.Segments,
        ["prepared-segments"] = status.PgWal?.PreparedSegments,
        ["free-bytes"] = status.PgWal?.FreeBytes,
        ["disk-bytes"] = status.PgWal?.DiskBytes,
    };

    static JsonObject? Runway(WalStatus status) => status.Runway is not { } runway ? null : new JsonObject
    {
        ["wal-bytes-per-second"] = runway.WalRate,
        ["growth-bytes-per-second"] = runway.GrowthRate,
        ["held-by"] = runway.HeldBy,
        ["room-bytes"] = runway.Room,
        ["time-left-seconds"] = runway.TimeLeft?.TotalSeconds,
        ["holds-for-seconds"] = runway.HoldsFor?.TotalSeconds,
    };

    static JsonArray? Slots(WalStatus status) => status.Server is not { } server ? null : Json.Array(server.Slots, slot => new JsonObject
    {
        ["name"] = slot.Name,
        ["kind"] = slot.Kind,
        ["active"] = slot.IsActive,
        ["restart-lsn"] = slot.RestartLsn?.ToString(),
        ["wal-status"] = slot.WalStatus,
        ["safe-wal-bytes"] = slot.SafeWalSize,
        ["max-keep-bytes"] = server.MaxSlotWalKeepBytes,
    });
}
