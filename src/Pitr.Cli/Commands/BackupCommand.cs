using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Catalog;
using Pitr.Operations.Backup;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;

namespace Pitr.Cli.Commands;

/// <summary>`pitr backup`: takes a base backup.</summary>
static class BackupCommand
{
    const int MostDamageShown = 20;

    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: false);
    static readonly GroupOptions Group = new();
    static readonly Option<long?> Limit = GlobalOptions.Rate("--limit", "Most bytes of the cluster or the files to read per second (default backup.limit; nothing limits it)");

    static readonly Option<BackupMethod?> Method = new("--method") { Description = "How the files are read: direct, where they are; stream, through pg_basebackup; auto, direct if possible (default backup.method)", HelpName = "auto|direct|stream" };
    static readonly Option<bool> Full = new("--full") { Description = "Copy every page and file, also those that have not changed since the last backup" };

    public static Command Create()
    {
        var command = new Command(
            "backup",
            """
            Take a base backup; it counts only when its files and all the WAL it needs are in every repository,
            or in as many as the service requires. Every backup is a full one: pages that have not changed since the
            last are not copied again, and any backup can go without harm to the others.

            Of a service of kind postgres-dump, mysql, redis or mongodb: dump it with the vendor's tool; of kind qdrant: by its
            snapshots. Nothing is staged on disk; what fails or is cut short leaves no backup.

            Of a service of kind files: read its trees. Files that have not changed are not read again, and the backup is whole all the same.
            With journal: of the systemd journal, what has come since the last backup is added to what that one holds.

              pitr backup main
              pitr backup main --full                every page anew
              pitr backup main --limit 50MB/s        beside a busy server
              pitr --output json backup main
              pitr backup etc                        what has changed in the trees of files of etc; ends with 9 when something could not be read
              pitr backup shop                       a dump of every database of shop
              pitr backup vectors                    a snapshot of every collection, which does not stay on the server

            Every service of the configuration, those that others come after (services.*.after) first. One that fails stops no other; the exit
            code is that of the first that did:

              pitr backup --all
              pitr backup --all --dry-run            what would be backed up, and in which order
              pitr backup --all --component shop --component uploads
            """)
        {
            ServiceName, Method, Full, Limit,
        };
        Group.AddTo(command);
        Group.AddDryRunTo(command);
        Group.RequireServiceOrAll(command, ServiceName);
        var single = Audited.Action("backup", ServiceName, RunAsync);
        var all = Audited.ActionOnGroup("backup --all", Group.Services, RunAllAsync);
        command.SetAction((parsed, cancellation) => Group.IsGiven(parsed) ? all(parsed, cancellation) : single(parsed, cancellation));
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, AuditNotes notes, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        if (context.HasDumps(parsed.GetValue(ServiceName)))
        {
            RequireNone(parsed, [Method, Full, Limit]);
            return await DumpBackupRun.RunAsync(context, parsed.GetValue(ServiceName), notes, cancellation);
        }

        if (context.HasFiles(parsed.GetValue(ServiceName)))
        {
            RequireNone(parsed, [Method]);
            return await FilesBackupRun.RunAsync(context, parsed.GetValue(ServiceName), parsed.GetValue(Full), parsed.GetValue(Limit), notes, cancellation);
        }

        await using var service = context.OpenService(parsed.GetValue(ServiceName));
        BackupDocument backup;
        using (var display = new ProgressDisplay())
        {
            backup = await TakeAsync(parsed, service, notes, display, cancellation);
        }

        using var catchUp = new CatchUp(service);
        var owed = await catchUp.RunAsync(cancellation);

        if (context.Output == OutputFormat.Json)
        {
            Json.Write(JsonNode.Parse(backup.ToJson())!);
            return ExitCodeOf(backup);
        }

        var took = backup.Finished - backup.Started;
        Console.WriteLine($"backup {backup.Id} of {backup.Service}: {Texts.Size(backup.DatabaseBytes)} in {backup.Files} files, stored as {Texts.Size(backup.StoredBytes)} in {backup.Packs.Count} packs");
        Console.WriteLine($"  took {Texts.Span(took)} ({Texts.Size((long)(backup.DatabaseBytes / Math.Max(took.TotalSeconds, 0.001)))}/s), timeline {backup.Timeline}, WAL {backup.StartWal} to {backup.StopWal}");
        var resumed = backup.Resumed.Sum(r => r.Bytes);
        Console.WriteLine(backup.Base is { } basis
            ? $"  {Texts.Size(backup.OlderPacks.Sum(p => p.UsedBytes) - resumed)} had not changed since backup {basis} or before"
            : $"  every {(resumed > 0 ? "other " : "")}page was copied: {backup.FullCopyReason}");
        if (resumed > 0)
        {
            Console.WriteLine($"  {Texts.Size(resumed)} were stored already by {string.Join(", ", backup.Resumed.Select(r => r.Id))}, interrupted");
        }

        foreach (var lagging in owed.Where(o => o.Left > 0))
        {
            Console.WriteLine($"  not yet in repository {lagging.Repository}, which is owed {lagging.Left} objects: {lagging.Reason}; `pitr agent` or `pitr repo catch-up` gives them to it");
        }

        Console.WriteLine($"  restorable from {Texts.Moment(backup.StopTime)} on: pitr restore {backup.Service} --to DIR --dry-run");
        foreach (var page in backup.Damage.Take(MostDamageShown))
        {
            Console.Error.WriteLine($"DAMAGED: {page.Path}, block {page.Block}: its checksum is wrong; it is stored as it is");
        }

        if (backup.DamagedPages > 0)
        {
            Console.Error.WriteLine(
                $"""
                {backup.DamagedPages} damaged page(s) in the cluster. The backup is complete and holds them as they are.
                HINT: the disk or its memory fails; look which relations they are (pg_filenode_relation), and restore them from an older backup
                """);
        }

        return ExitCodeOf(backup);
    }

    /// <summary>Takes a base backup of a service, as the options of the command say.</summary>
    public static async Task<BackupDocument> TakeAsync(ParseResult parsed, PostgresService service, AuditNotes notes, ProgressDisplay display, CancellationToken cancellation)
    {
        await notes.BeginAsync(cancellation);
        var run = new BackupRun(service, CommandContext.Version)
        {
            Limit = parsed.GetValue(Limit) ?? service.Settings.Backup.Limit,
            Method = parsed.GetValue(Method) ?? service.Settings.Backup.Method,
            Full = parsed.GetValue(Full),
            Resuming = work =>
            {
                display.Clear();
                Console.Error.WriteLine($"going on from the backup interrupted at {Texts.Moment(work.InterruptedAt)}: {Texts.Size(work.StoredBytes)} of {Texts.Size(work.TotalBytes)} are stored already");
            },
        };
        var backup = await run.RunAsync(new Forward<BackupProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes)), cancellation);
        notes.Subject = backup.Id;
        notes.Details["method"] = backup.Method;
        notes.Details["stored"] = Texts.Size(backup.StoredBytes);
        return backup;
    }

    static Task<int> RunAllAsync(ParseResult parsed, AuditNotes notes, CancellationToken cancellation) => new GroupBackupRun(parsed, Group, Group.IsDryRun(parsed)).RunAsync(notes, cancellation);

    static void RequireNone(ParseResult parsed, IReadOnlyList<Option> options)
    {
        if (options.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new RefusedInputException($"{given.Name} is for services of kind {PostgresServiceSettings.KindName}", "leave it out");
        }
    }

    static int ExitCodeOf(BackupDocument backup) => backup.DamagedPages > 0 ? ExitCodes.Verdict : ExitCodes.Success;
}
