using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Backup;
using Pitr.Operations.Errors;
using Pitr.Operations.Files;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;

namespace Pitr.Cli.Commands;

/// <summary>`pitr restore` of a service of kind files.</summary>
/// <param name="id">Which backup; null for the newest.</param>
/// <param name="request">What of it, and where to.</param>
/// <param name="repositories">The only repositories to ask; none: all.</param>
/// <param name="dryRun">Whether to show the plan only.</param>
sealed class FilesRestoreRun(BackupId? id, FilesRestoreRequest request, IReadOnlyList<string>? repositories, bool dryRun)
{
    public async Task<int> RunAsync(CommandContext context, string? name, AuditNotes notes, CancellationToken cancellation)
    {
        notes.ChangedNothing = dryRun;
        await using var service = context.OpenFilesService(name, repositories);
        var backup = await new FilesCatalog(service).ChooseAsync(id, cancellation);
        notes.Subject = request.Root;
        notes.Details["backup"] = backup.Id;
        var restore = new FilesRestore(service, backup, request);
        if (dryRun)
        {
            Print(context, backup, await restore.PlanAsync(cancellation), null);
            return ExitCodes.Success;
        }

        await notes.BeginAsync(cancellation);
        var started = CommandContext.Clock.GetTimestamp();
        FilesRestored restored;
        using (var display = new ProgressDisplay())
        {
            restored = await restore.RunAsync(new Forward<RestoreProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes)), cancellation);
        }

        notes.Details["files"] = $"{restored.Files}";
        Print(context, backup, restored, CommandContext.Clock.GetElapsedTime(started));
        return ExitCodes.Success;
    }

    void Print(CommandContext context, BackupDocument backup, FilesRestored restored, TimeSpan? took)
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
        Say(restored.Unchanged, "were there as the backup has them, and were left alone");
        Say(restored.Aside, $"that were there are kept aside, their names end with {restored.AsideSuffix}");
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

        static void Say(int count, string what)
        {
            if (count > 0)
            {
                Console.WriteLine($"  {count} {what}");
            }
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
        ["unchanged"] = restored.Unchanged,
        ["aside"] = restored.Aside,
        ["aside-suffix"] = restored.AsideSuffix,
        ["sockets-left-out"] = restored.SocketsLeftOut,
        ["devices-left-out"] = restored.DevicesLeftOut,
        ["other-owners"] = restored.OtherOwners,
        ["attributes-left-out"] = restored.AttributesLeftOut,
        ["journal-left-out"] = restored.JournalLeftOut,
        ["seconds"] = took?.TotalSeconds,
    };
}
