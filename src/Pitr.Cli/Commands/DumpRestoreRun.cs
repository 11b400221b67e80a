using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Layout;
using Pitr.Operations.Configuration;
using Pitr.Operations.Dumps;
using Pitr.Operations.Errors;

namespace Pitr.Cli.Commands;

/// <summary>`pitr restore` of a service whose backups are dumps.</summary>
/// <param name="backup">Which; null for the newest.</param>
/// <param name="selection">What of it, and where to.</param>
/// <param name="repositories">The only repositories to ask; none: all.</param>
/// <param name="dryRun">Whether to show the plan only.</param>
sealed class DumpRestoreRun(BackupId? backup, DumpSelection selection, IReadOnlyList<string>? repositories, bool dryRun)
{
    public async Task<int> RunAsync(CommandContext context, string? name, AuditNotes notes, CancellationToken cancellation)
    {
        notes.ChangedNothing = dryRun;
        await using var service = context.OpenDumpService(name, repositories);
        if (selection.Drop && service.Settings is not MongodbSettings)
        {
            throw new RefusedInputException("--drop is for services of kind mongodb", "bring it back beside the old one with --into NAME, or remove the old one yourself");
        }

        await using var target = DumpKinds.Target(service.Settings, asFiles: selection.Directory is not null);
        var restore = new DumpRestore(service, target);
        var plan = await restore.PlanAsync(backup, selection, cancellation);
        notes.Subject = plan.Target;
        notes.Details["backup"] = plan.Entry.Id;
        if (context.Output == OutputFormat.Text)
        {
            Print(plan);
        }

        if (dryRun)
        {
            Finish(context, plan, null, []);
            return ExitCodes.Success;
        }

        var started = CommandContext.Clock.GetTimestamp();
        IReadOnlyList<string> messages;
        using (var display = new ProgressDisplay())
        {
            messages = await restore.RunAsync(plan, new Forward<DumpProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes)), cancellation);
        }

        var took = CommandContext.Clock.GetElapsedTime(started);
        foreach (var line in messages)
        {
            Console.Error.WriteLine(line);
        }

        Finish(context, plan, took, messages);
        return ExitCodes.Success;
    }

    static void Print(DumpRestorePlan plan)
    {
        Console.WriteLine("Plan");
        Console.WriteLine($"  backup  {plan.Entry.Id}, {plan.Manifest.Product} {plan.Manifest.ServerVersion}, taken in {Texts.Span(plan.Entry.Finished - plan.Entry.Started)} until {Texts.Moment(plan.Entry.Finished)}");
        Console.WriteLine($"  target  {plan.Target}, by {plan.Tool}");
        foreach (var step in plan.Steps)
        {
            var into = step.Into is null ? "the whole server" : $"{step.Into}{(step.IsNew ? ", which is made" : ", which is there")}";
            Console.WriteLine($"  stream  {step.Stream.Name}, {Texts.Size(step.Stream.Bytes)}, into {into}");
        }
    }

    void Finish(CommandContext context, DumpRestorePlan plan, TimeSpan? took, IReadOnlyList<string> messages)
    {
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject
            {
                ["format"] = 1,
                ["service"] = plan.Manifest.Service,
                ["kind"] = plan.Manifest.Kind,
                ["backup"] = plan.Entry.Id,
                ["dry-run"] = dryRun,
                ["target"] = plan.Target,
                ["tool"] = plan.Tool,
                ["streams"] = Json.Array(plan.Steps, step => new JsonObject
                {
                    ["name"] = step.Stream.Name, ["bytes"] = step.Stream.Bytes, ["into"] = step.Into, ["new"] = step.IsNew,
                }),
                ["bytes"] = plan.Bytes,
                ["seconds"] = took?.TotalSeconds,
                ["messages"] = Json.Array(messages, m => JsonValue.Create(m)),
            });
        }
        else if (took is { } time)
        {
            Console.WriteLine($"restored {Texts.Size(plan.Bytes)} in {Texts.Span(time)}: {string.Join(", ", plan.Steps.Select(s => s.Into ?? s.Stream.Name))}");
        }
    }
}
