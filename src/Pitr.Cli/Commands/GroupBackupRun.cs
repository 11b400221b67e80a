using System.CommandLine;
using Pitr.Cli.Output;
using Pitr.Format.Layout;
using Pitr.Operations.Configuration;
using Pitr.Operations.Dumps;
using Pitr.Operations.Errors;
using Pitr.Operations.Scratch;
using Pitr.Operations.Services;

namespace Pitr.Cli.Commands;

/// <summary>`pitr backup --all`: one backup of each service after the other. One that fails stops no other, also not those that come after it: an older state of one is worth more than none of both.</summary>
/// <param name="parsed">The command line.</param>
/// <param name="group">Which services.</param>
/// <param name="dryRun">Whether to show the plan only.</param>
sealed class GroupBackupRun(ParseResult parsed, GroupOptions group, bool dryRun)
{
    const string Action = "backup --all";

    public async Task<int> RunAsync(AuditNotes notes, CancellationToken cancellation)
    {
        notes.ChangedNothing = true;
        if (parsed.GetResult("SERVICE") is { Tokens.Count: > 0 })
        {
            throw new RefusedInputException("a service is named, and --all", "name services of a group with --component");
        }

        group.RequireNoOther(parsed);
        using var context = new CommandContext(parsed);
        var names = group.Services(context, parsed);
        var id = new BackupId(CommandContext.Clock.GetUtcNow()).ToString();
        var rows = new List<GroupRow>();
        if (dryRun)
        {
            foreach (var name in names)
            {
                rows.Add(await TryAsync(context, name, () => PlanAsync(context, name, cancellation), cancellation));
            }

            GroupOutput.Backups(context.Output, id, rows, dryRun: true);
            return Code(rows);
        }

        await using var leases = await GroupLeases.TakeAsync(context, Action, names, againstBackups: false, cancellation);
        notes.Subject = id;
        notes.Details["services"] = AuditNotes.Text(names);
        await notes.BeginAsync(cancellation);
        foreach (var name in names)
        {
            rows.Add(await TryAsync(context, name, () => TakeAsync(context, name, id, leases.Token), leases.Token));
        }

        var code = Code(rows);
        if (rows.Where(row => row.Code != ExitCodes.Success).ToArray() is { Length: > 0 } failed)
        {
            notes.Error = $"{failed.Length} of {rows.Count} services: {string.Join("; ", failed.Select(row => $"{row.Service}: {row.Error ?? row.Result}"))}";
        }

        GroupOutput.Backups(context.Output, id, rows, dryRun: false);
        return code;
    }

    static int Code(List<GroupRow> rows) => rows.FirstOrDefault(row => row.Code != ExitCodes.Success)?.Code ?? ExitCodes.Success;

    // A defect ends everything; what goes wrong with one service does not.
    static async Task<GroupRow> TryAsync(CommandContext context, string name, Func<Task<GroupRow>> run, CancellationToken cancellation)
    {
        var started = CommandContext.Clock.GetTimestamp();
        try
        {
            return (await run()) with { Took = CommandContext.Clock.GetElapsedTime(started) };
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested && ExitCodes.Of(e) != ExitCodes.Bug)
        {
            Console.Error.WriteLine($"pitr: {name}: {ErrorOutput.Text(e)}");
            return new GroupRow(name, context.Configuration.Service(name).Kind, "failed")
            {
                Code = ExitCodes.Of(e), Error = e.Message, Hint = ErrorOutput.Hint(e), Took = CommandContext.Clock.GetElapsedTime(started),
            };
        }
    }

    async Task<GroupRow> TakeAsync(CommandContext context, string name, string id, CancellationToken cancellation)
    {
        Console.Error.WriteLine($"{name}:");
        var row = new GroupRow(name, context.Configuration.Service(name).Kind, "");
        await Audited.RunAsync("backup", name, parsed, async notes =>
        {
            notes.Details["group"] = id;
            await using var service = context.OpenAnyService(name);
            using (var display = new ProgressDisplay())
            {
                row = service switch
                {
                    DumpService dumps => Row(row, await DumpBackupRun.TakeAsync(dumps, notes, display, cancellation)),
                    FilesService files => Row(row, await FilesBackupRun.TakeAsync(files, full: false, limit: null, notes, display, cancellation)),
                    _ => Row(row, await BackupCommand.TakeAsync(parsed, (PostgresService)service, notes, display, cancellation)),
                };
            }

            using var catchUp = new CatchUp(service);
            var owed = await catchUp.RunAsync(cancellation);
            row = row with { Owed = [.. owed.Where(o => o.Left > 0).Select(o => $"repository {o.Repository} is owed {o.Left} objects: {o.Reason}")] };
            return row.Code;
        });
        return row;
    }

    static GroupRow Row(GroupRow row, Pitr.Format.Catalog.DumpDocument backup) => row with
    {
        Result = "done", Backup = backup.Id, Moment = backup.Started, Bytes = backup.Bytes, StoredBytes = backup.StoredBytes, Why = $"by {backup.Tool} from {backup.Product} {backup.ServerVersion}",
    };

    static GroupRow Row(GroupRow row, Pitr.Format.Catalog.BackupDocument backup) => row with
    {
        Result = backup.DamagedPages > 0 ? $"done, with {backup.DamagedPages} damaged pages" : backup.Tree is { Unreadable: > 0 and var left } ? $"done, without {left} that could not be read" : "done",
        Code = backup.IsSound() ? ExitCodes.Success : ExitCodes.Verdict,
        Backup = backup.Id,
        Moment = backup.StopTime,
        Bytes = backup.DatabaseBytes,
        StoredBytes = backup.StoredBytes,
        Why = backup.Tree is { } tree ? $"{backup.Files} files, {tree.Unchanged} unchanged" : $"base backup, method {backup.Method}",
    };

    static async Task<GroupRow> PlanAsync(CommandContext context, string name, CancellationToken cancellation)
    {
        var settings = context.Configuration.Service(name);
        var order = settings.After.Count == 0 ? "comes after nothing" : $"comes after {string.Join(", ", settings.After)}";
        if (settings is FilesServiceSettings files)
        {
            return new GroupRow(name, settings.Kind, "would be backed up") { Why = $"{order}; what has changed below {string.Join(", ", files.Paths)}" };
        }

        if (settings is not DumpServiceSettings dumps)
        {
            return new GroupRow(name, settings.Kind, "would be backed up") { Why = $"{order}; a base backup of the cluster" };
        }

        await using var source = DumpKinds.Source(dumps, new ScratchOwner(name, Path.Combine(context.Configuration.StateDirectory, "services", name), context.Log));
        var plan = await source.PlanAsync(cancellation);
        return new GroupRow(name, settings.Kind, "would be backed up")
        {
            Bytes = plan.EstimatedBytes, Why = $"{order}; by {plan.Tool} from {plan.Product} {plan.ServerVersion}: {string.Join(", ", plan.Streams.Select(s => s.Database ?? s.Name))}",
        };
    }
}
