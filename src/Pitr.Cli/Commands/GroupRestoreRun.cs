using System.Globalization;
using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Layout;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Groups;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;

namespace Pitr.Cli.Commands;

/// <summary>`pitr restore --all`: the services of a group go back to a moment where they are, or stay what they were.</summary>
/// <param name="parsed">The command line.</param>
/// <param name="group">Which services.</param>
/// <param name="until">The moment; null for the newest there is.</param>
/// <param name="dryRun">Whether to show the plan only.</param>
/// <param name="removesOld">Whether what was there is removed in the end.</param>
sealed class GroupRestoreRun(ParseResult parsed, GroupOptions group, DateTimeOffset? until, bool dryRun, bool removesOld)
{
    const string Action = "restore --all";

    string Request => until is { } moment ? $"the state of {Texts.Moment(moment)}" : "latest";

    public async Task<int> RunAsync(AuditNotes notes, CancellationToken cancellation)
    {
        notes.ChangedNothing = true;
        using var context = new CommandContext(parsed);
        var names = group.Services(context, parsed);
        if (!dryRun)
        {
            RequireNotRoot(context, names);
        }

        // To the millisecond: it is part of names that outlive a restore, and the next one may begin in the same second.
        var id = CommandContext.Clock.GetUtcNow().UtcDateTime.ToString("yyyyMMdd'T'HHmmssfff'Z'", CultureInfo.InvariantCulture);
        using var display = new ProgressDisplay();
        var restore = Open(context, id, display);
        var (opened, prepared) = (new List<AuditedComponent>(), new List<GroupComponent>());
        await using var leases = dryRun ? null : await GroupLeases.TakeAsync(context, Action, names, againstBackups: true, cancellation);
        try
        {
            restore.RequireNone();
            foreach (var name in names)
            {
                opened.Add(OpenComponent(context, name, id));
                prepared.Add(new GroupComponent(opened[^1], await opened[^1].PrepareAsync(until, id, Progress(display), leases?.Token ?? cancellation)));
            }

            display.Clear();
            var commands = restore.Commands(names).Select(c => (c.When, c.Command.ToString())).ToArray();
            IReadOnlyList<GroupRow> rows = [.. prepared.Select(c => Row(c, "would be restored"))];
            if (dryRun)
            {
                GroupOutput.Restore(context.Output, id, rows, commands, new JsonObject { ["dry-run"] = true });
            }

            if (context.Output == OutputFormat.Text)
            {
                Console.WriteLine($"Plan of {id}: {Request}");
                GroupOutput.Steps(rows, commands);
            }

            return dryRun ? ExitCodes.Success : await RestoreAsync(context, restore, notes, id, prepared, commands, display, leases!.Token);
        }
        finally
        {
            foreach (var component in opened)
            {
                await component.DisposeAsync();
            }
        }
    }

    /// <summary>`--roll-back`.</summary>
    public Task<int> RollBackAsync(AuditNotes notes) => EndAsync(notes, "--roll-back", "rolled-back", restore => restore.RollBackAsync());

    /// <summary>`--confirm`.</summary>
    public Task<int> ConfirmAsync(AuditNotes notes, CancellationToken cancellation) => EndAsync(notes, "--confirm", "removed", restore => restore.ConfirmAsync(cancellation));

    async Task<int> RestoreAsync(
        CommandContext context, GroupRestore restore, AuditNotes notes, string id, List<GroupComponent> prepared, IReadOnlyList<(string, string)> commands, ProgressDisplay display, CancellationToken cancellation)
    {
        notes.Subject = id;
        notes.Details["target"] = Request;
        notes.Details["services"] = AuditNotes.Text([.. prepared.Select(c => c.Plan.Record.Service)]);
        await notes.BeginAsync(cancellation);
        RolledBackException? failure = null;
        IReadOnlyList<string> removed = [];
        try
        {
            await restore.RunAsync(id, Request, prepared, cancellation);
            removed = removesOld ? await restore.ConfirmAsync(CancellationToken.None) : [];
        }
        catch (RolledBackException e)
        {
            failure = e;
        }

        display.Clear();
        var code = failure is null ? ExitCodes.Success : ExitCodes.Of(failure);
        notes.Error = failure?.Message;
        GroupRow[] rows = [.. prepared.Select((c, i) => Row(c, Word(restore.Records[i].Phase)) with { Took = ((AuditedComponent)c.Restore).Took })];
        GroupOutput.Restore(context.Output, id, rows, commands, new JsonObject
        {
            ["dry-run"] = false,
            ["exit-code"] = code,
            ["error"] = failure?.Message,
            ["hint"] = failure?.Hint,
            ["kept"] = Json.Array(failure is null && !removesOld ? prepared.SelectMany(c => c.Plan.Record.Moves.Where(m => m.Existed)) : [], m => m.Aside),
        });
        if (failure is not null)
        {
            Console.Error.WriteLine($"pitr: {ErrorOutput.Text(failure)}");
        }
        else if (context.Output == OutputFormat.Text)
        {
            WriteKept(removed);
        }

        return code;
    }

    void WriteKept(IReadOnlyList<string> removed)
    {
        if (removesOld)
        {
            Console.WriteLine($"restored; {string.Join("; ", removed)}");
            return;
        }

        Console.WriteLine("restored; what was there before is kept. To go back to it:");
        Console.WriteLine("  pitr restore --all --roll-back");
        Console.WriteLine("To remove it, when you do not need it any more:");
        Console.WriteLine("  pitr restore --all --confirm");
    }

    async Task<int> EndAsync(AuditNotes notes, string option, string result, Func<GroupRestore, Task<IReadOnlyList<string>>> run)
    {
        notes.ChangedNothing = true;
        using var context = new CommandContext(parsed);
        using var held = GroupLeases.Lock(context, $"{Action} {option}");
        using var display = new ProgressDisplay();
        var journal = Open(context, "", display).RequireJournal();
        if (group.Services(context, parsed).Count < context.Configuration.Services.Count || until is not null)
        {
            throw new RefusedInputException($"{option} is about all of the last restore of the group; it takes neither --component nor a moment", $"pitr {Action} {option}");
        }

        GroupRow[] rows = [.. journal.Components.Select(c => new GroupRow(c.Service, c.Kind, Word(c.Phase)) { Backup = c.Backup, Why = string.Join(", ", c.Moves.Where(m => m.Existed).Select(m => $"{m.Place} kept as {m.Aside}")) })];
        if (dryRun)
        {
            GroupOutput.Restore(context.Output, journal.Id, rows, [], new JsonObject { ["dry-run"] = true, ["phase"] = journal.Phase.ToString().ToLowerInvariant() });
            return ExitCodes.Success;
        }

        RequireNotRoot(context, [.. journal.Components.Select(c => c.Service)]);
        notes.Subject = journal.Id;
        notes.Details[option[2..]] = "true";
        await notes.BeginAsync(CancellationToken.None);
        var said = await run(Open(context, journal.Id, display));
        display.Clear();
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject { ["format"] = 1, ["group"] = journal.Id, [result] = Json.Array(said, s => s) });
        }
        else
        {
            Console.WriteLine($"{result.Replace('-', ' ')}: {string.Join("; ", said)}");
        }

        return ExitCodes.Success;
    }

    GroupRestore Open(CommandContext context, string id, ProgressDisplay display) => new(context.Configuration, CommandContext.Clock, name => OpenComponent(context, name, id), Progress(display));

    AuditedComponent OpenComponent(CommandContext context, string name, string id) => new(
        ComponentRestores.Open(context.OpenAnyService(name), (service, plan) => RestoreCommandLine.For(context, service, plan, standby: false)), id, parsed);

    static Forward<RestoreProgress> Progress(ProgressDisplay display) => new(p => display.Show(p.Phase, p.Bytes, p.TotalBytes));

    static void RequireNotRoot(CommandContext context, IReadOnlyList<string> names)
    {
        if (names.Any(name => context.Configuration.Service(name) is PostgresServiceSettings))
        {
            RootRefusal.Require("PostgreSQL does not run as root, and files restored by root could not be read by it", "restore");
        }
    }

    static string Word(ComponentPhase phase) => phase switch
    {
        ComponentPhase.Waiting => "not touched",
        ComponentPhase.Preparing or ComponentPhase.Moving or ComponentPhase.Restoring => "half done",
        ComponentPhase.Restored => "restored",
        ComponentPhase.RolledBack => "rolled back",
        _ => "restored, the old removed",
    };

    static GroupRow Row(GroupComponent component, string result)
    {
        var plan = component.Plan;
        return new GroupRow(plan.Record.Service, plan.Record.Kind, result)
        {
            Backup = plan.Record.Backup, Moment = plan.Moment, Bytes = plan.Bytes, Why = plan.Why, Steps = plan.Steps, Notes = plan.Notes,
        };
    }
}
