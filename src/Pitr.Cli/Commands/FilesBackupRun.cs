using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Catalog;
using Pitr.Operations.Backup;
using Pitr.Operations.Files;
using Pitr.Operations.Services;

namespace Pitr.Cli.Commands;

/// <summary>`pitr backup` of a service of kind files.</summary>
static class FilesBackupRun
{
    public static async Task<int> RunAsync(CommandContext context, string? name, bool full, long? limit, AuditNotes notes, CancellationToken cancellation)
    {
        await using var service = context.OpenFilesService(name);
        BackupDocument backup;
        using (var display = new ProgressDisplay())
        {
            backup = await TakeAsync(service, full, limit, notes, display, cancellation);
        }

        using var catchUp = new CatchUp(service);
        var owed = await catchUp.RunAsync(cancellation);
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(JsonNode.Parse(backup.ToJson())!);
        }
        else
        {
            Print(backup, owed);
        }

        return backup.IsSound() ? ExitCodes.Success : ExitCodes.Verdict;
    }

    /// <summary>Takes a backup of a service.</summary>
    public static async Task<BackupDocument> TakeAsync(FilesService service, bool full, long? limit, AuditNotes notes, ProgressDisplay display, CancellationToken cancellation)
    {
        await notes.BeginAsync(cancellation);
        var run = new FilesBackup(service, CommandContext.Version) { Full = full, Limit = limit ?? service.Backup.Limit };
        var backup = await run.RunAsync(new Forward<BackupProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes)), cancellation);
        notes.Subject = backup.Id;
        notes.Details["files"] = $"{backup.Files}";
        notes.Details["stored"] = Texts.Size(backup.StoredBytes);
        return backup;
    }

    static void Print(BackupDocument backup, IReadOnlyList<CatchUpResult> owed)
    {
        var tree = backup.Tree!;
        Console.WriteLine($"backup {backup.Id} of {backup.Service}: {Texts.Size(backup.DatabaseBytes)} in {backup.Files} files and {tree.Directories} directories, stored as {Texts.Size(backup.StoredBytes)} in {backup.Packs.Count} packs");
        Console.WriteLine($"  took {Texts.Span(backup.Finished - backup.Started)}; {tree.Links} symbolic links, {tree.HardLinks} further names, {tree.Specials} pipes and devices, {tree.Sockets} sockets");
        Console.WriteLine(backup.Base is { } basis
            ? $"  {tree.Unchanged} files had not changed since backup {basis}"
            : $"  every file was read: {backup.FullCopyReason}");
        if (tree.Journal is { } journal)
        {
            Console.WriteLine($"  {journal.Added} new entries of the systemd journal; the backup holds {JournalOutput.Summary(journal)}");
            JournalOutput.WriteProblems(backup, journal);
        }

        foreach (var lagging in owed.Where(o => o.Left > 0))
        {
            Console.WriteLine($"  not yet in repository {lagging.Repository}, which is owed {lagging.Left} objects: {lagging.Reason}; `pitr agent` or `pitr repo catch-up` gives them to it");
        }

        Console.WriteLine($"  bring it back: pitr restore {backup.Service} {backup.Id} --to DIR --dry-run");
        foreach (var problem in tree.Problems)
        {
            Console.Error.WriteLine(problem.What switch
            {
                "unreadable" => $"NOT STORED: {problem.Path}: {problem.Reason}",
                "changed" => $"CHANGED: {problem.Path} changed while it was read, twice; it is stored as it was read",
                _ => $"VANISHED: {problem.Path} was gone when it was to be read",
            });
        }

        if (tree.Changed + tree.Vanished + tree.Unreadable > tree.Problems.Count)
        {
            Console.Error.WriteLine($"and more: {tree.Unreadable} not stored, {tree.Changed} changed, {tree.Vanished} vanished");
        }

        if (tree.Unreadable > 0)
        {
            Console.Error.WriteLine(
                $"""
                {tree.Unreadable} file(s) or directories could not be read. The backup is complete but for them.
                HINT: run it as a user who may read them, or leave them out with exclude
                """);
        }
    }
}
