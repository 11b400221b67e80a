using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Files.InPlace;
using Pitr.Operations.Restore;

namespace Pitr.Cli.Commands;

/// <summary>`pitr restore --in-place --roll-back` and `--confirm` of a service of kind files.</summary>
/// <param name="removes">Whether what was there is removed; else it is put back.</param>
/// <param name="dryRun">Whether to show the plan only.</param>
sealed class FilesInPlaceRun(bool removes, bool dryRun)
{
    public async Task<int> RunAsync(CommandContext context, string? name, AuditNotes notes)
    {
        notes.ChangedNothing = dryRun;
        await using var service = context.OpenFilesService(name);
        using var inPlace = new FilesInPlace(service);
        if (!dryRun)
        {
            inPlace.Lock();
        }

        var which = removes ? inPlace.RequireKept("remove") : inPlace.RequireRollBack();
        notes.Subject = "/";
        notes.Details["in-place"] = which.Id;
        notes.Details["backup"] = which.Backup;
        notes.Details[removes ? "confirm" : "roll-back"] = "true";
        if (dryRun)
        {
            Say(context, which, inPlace.Interrupted is not null, Plan(inPlace, which));
            return ExitCodes.Success;
        }

        var isInterrupted = inPlace.Interrupted is not null;
        await notes.BeginAsync(CancellationToken.None);
        using var display = new ProgressDisplay();
        var said = removes ? inPlace.RemoveOld() : inPlace.RollBack(which, new Forward<RestoreProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes)));
        display.Clear();
        Say(context, which, isInterrupted, said);
        return ExitCodes.Success;
    }

    IReadOnlyList<string> Plan(FilesInPlace inPlace, TreeJournalHead which)
    {
        var (back, removed) = inPlace.CountRollBack();
        return removes
            ? [$"{back} names that end with {which.Before} would be removed, those that nobody has changed since"]
            : [$"{back} that were there would be in their places again", $"{removed} that were not there before would be removed", "what has changed since would be kept under another name"];
    }

    void Say(CommandContext context, TreeJournalHead which, bool isInterrupted, IReadOnlyList<string> said)
    {
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject
            {
                ["format"] = 1,
                ["service"] = which.Service,
                ["backup"] = which.Backup,
                ["dry-run"] = dryRun,
                ["in-place"] = which.Id,
                ["interrupted"] = isInterrupted,
                [removes ? "removed" : "rolled-back"] = Json.Array(said, s => JsonValue.Create(s)),
            });
            return;
        }

        Console.WriteLine($"restore in place {which.Id} of backup {which.Backup}{(isInterrupted ? ", which was interrupted" : "")}:");
        foreach (var sentence in said)
        {
            Console.WriteLine($"  {sentence}");
        }
    }
}
