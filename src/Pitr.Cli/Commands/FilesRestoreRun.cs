using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Backup;
using Pitr.Operations.Errors;
using Pitr.Operations.Files;
using Pitr.Operations.Files.InPlace;
using Pitr.Operations.Groups;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;

namespace Pitr.Cli.Commands;

/// <summary>`pitr restore` of a service of kind files.</summary>
/// <param name="id">Which backup; null for the newest.</param>
/// <param name="request">What of it, and where to.</param>
/// <param name="repositories">The only repositories to ask; none: all.</param>
/// <param name="dryRun">Whether to show the plan only.</param>
/// <param name="removesOld">In place: whether what was there is removed in the end.</param>
sealed class FilesRestoreRun(BackupId? id, FilesRestoreRequest request, IReadOnlyList<string>? repositories, bool dryRun, bool removesOld)
{
    public async Task<int> RunAsync(CommandContext context, string? name, AuditNotes notes, CancellationToken cancellation)
    {
        notes.ChangedNothing = dryRun;
        await using var service = context.OpenFilesService(name, repositories);
        var backup = await new FilesCatalog(service).ChooseAsync(id, cancellation);
        notes.Subject = request.Root;
        notes.Details["backup"] = backup.Id;
        var restore = new FilesRestore(service, backup, request);
        using var inPlace = request.IsInPlace ? Open(context, service, notes, restore) : null;
        if (dryRun)
        {
            Print(context, backup, await restore.PlanAsync(cancellation), null, []);
            return ExitCodes.Success;
        }

        inPlace?.Lock();
        await notes.BeginAsync(cancellation);
        var started = CommandContext.Clock.GetTimestamp();
        FilesRestored restored;
        IReadOnlyList<string> removed = [];
        using (var display = new ProgressDisplay())
        {
            var progress = new Forward<RestoreProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes));
            restored = inPlace is null ? await restore.RunAsync(progress, cancellation) : await inPlace.RunAsync(restore, progress, cancellation);
            if (inPlace is not null && removesOld)
            {
                display.Show("removing what was there", 0, 0);
                removed = inPlace.RemoveOld();
            }
        }

        notes.Details["files"] = $"{restored.Files}";
        Print(context, backup, restored, CommandContext.Clock.GetElapsedTime(started), removed);
        return ExitCodes.Success;
    }

    static FilesInPlace Open(CommandContext context, FilesService service, AuditNotes notes, FilesRestore restore)
    {
        notes.Details["in-place"] = restore.Id;
        if (GroupJournal.TryRead(context.Configuration.StateDirectory) is { } group && group.Components.Any(c => c.Service == service.Name.Value))
        {
            throw new ImpossiblePlanException(
                $"the restore {group.Id} of the group still keeps what was there before it; nothing was changed", "remove that with `pitr restore --all --confirm`, or go back to it with `pitr restore --all --roll-back`");
        }

        var inPlace = new FilesInPlace(service);
        inPlace.RequireNone();
        return inPlace;
    }

    void Print(CommandContext context, BackupDocument backup, FilesRestored restored, TimeSpan? took, IReadOnlyList<string> removed)
    {
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(ToJson(backup, restored, took));
            return;
        }

        var to = request.Directory ?? "where they were";
        Console.WriteLine(took is { } time
            ? $"restored {restored.Files} files ({Texts.Size(restored.Bytes)}) of backup {backup.Id} to {to} in {Texts.Span(time)}"
            : $"would restore {restored.Files} files ({Texts.Size(restored.Bytes)}) of backup {backup.Id}, taken on {backup.Host} until {Texts.Moment(backup.Finished)}, to {to}");
        Console.WriteLine($"  {restored.Directories} directories, {restored.Links} symbolic links, {restored.HardLinks} further names, {restored.Specials} pipes and devices");
        if (request.IsInPlace)
        {
            SayWhere(restored, isDone: took is not null, removed);
        }

        Say(restored.SocketsLeftOut, "sockets were left out: their servers make them");
        Say(restored.DevicesLeftOut, "devices were left out: only root may make them");
        Say(restored.OtherOwners, "belong to another user or group than in the backup: only root may give files away");
        Say(restored.AttributesLeftOut, "extended attributes could not be set here");
        if (restored.JournalLeftOut)
        {
            Console.WriteLine("  the journal was left out: only journald writes that of the system; --to DIR restores it elsewhere, to be read there");
        }
        else if (took is not null && request.Directory is { } directory && backup.Tree?.Journal is not null)
        {
            JournalOutput.WriteHint(directory);
        }

        foreach (var problem in backup.Tree?.Problems.Where(p => p.What == "unreadable") ?? [])
        {
            Console.Error.WriteLine($"NOT IN THE BACKUP: {problem.Path}: {problem.Reason}");
        }

        if (took is not null && request.IsInPlace && restored.Aside + restored.New > 0 && !removesOld)
        {
            Console.WriteLine($"To go back: pitr restore {backup.Service} --in-place --roll-back");
            Console.WriteLine($"When you do not need what was there before any more: pitr restore {backup.Service} --in-place --confirm");
        }
    }

    static void SayWhere(FilesRestored restored, bool isDone, IReadOnlyList<string> removed)
    {
        Say(restored.New, isDone ? "were not there before" : "are not there, and would come anew");
        Say(restored.Aside, isDone ? $"that were there are kept aside, their names end with {restored.AsideSuffix}" : "that are there would be moved aside");
        Say(restored.Unchanged, isDone ? "were there as the backup has them, and were left alone" : "are there as the backup has them, and would be left alone");
        foreach (var sentence in removed)
        {
            Console.WriteLine($"  {sentence}");
        }
    }

    static void Say(int count, string what)
    {
        if (count > 0)
        {
            Console.WriteLine($"  {count} {what}");
        }
    }

    JsonObject ToJson(BackupDocument backup, FilesRestored restored, TimeSpan? took) => new()
    {
        ["format"] = 1,
        ["service"] = backup.Service,
        ["kind"] = backup.Kind,
        ["backup"] = backup.Id,
        ["dry-run"] = dryRun,
        ["in-place"] = request.IsInPlace,
        ["directory"] = request.Root,
        ["files"] = restored.Files,
        ["bytes"] = restored.Bytes,
        ["directories"] = restored.Directories,
        ["links"] = restored.Links,
        ["hard-links"] = restored.HardLinks,
        ["specials"] = restored.Specials,
        ["new"] = restored.New,
        ["unchanged"] = restored.Unchanged,
        ["aside"] = restored.Aside,
        ["aside-suffix"] = restored.AsideSuffix,
        ["sockets-left-out"] = restored.SocketsLeftOut,
        ["devices-left-out"] = restored.DevicesLeftOut,
        ["other-owners"] = restored.OtherOwners,
        ["attributes-left-out"] = restored.AttributesLeftOut,
        ["journal-left-out"] = restored.JournalLeftOut,
        ["removed-old"] = took is not null && request.IsInPlace && removesOld,
        ["seconds"] = took?.TotalSeconds,
    };
}
