using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;

namespace Pitr.Cli.Commands;

/// <summary>`pitr repo copy`: brings a repository what it lacks of another one.</summary>
static class RepoCopyCommand
{
    static readonly Argument<string> From = GlobalOptions.Repository("FROM");
    static readonly Argument<string> To = GlobalOptions.Repository("TO");
    static readonly Option<string?> Service = new("--service") { Description = "Only this service", HelpName = "SERVICE" };
    static readonly Option<string?> Backup = new("--backup") { Description = "Only this backup of the service, with the WAL that makes it consistent", HelpName = "ID" };
    static readonly Option<bool> Initialise = new("--init") { Description = "Make TO a repository if it is none" };
    static readonly Option<bool> ReadBack = new("--read-back") { Description = "Compare what is there already by content, not only by size" };
    static readonly Option<bool> DryRun = new("--dry-run", "-n") { Description = "Only say what would be copied" };
    static readonly Option<int> Jobs = GlobalOptions.Jobs();

    public static Command Create()
    {
        Service.CompletionSources.Add(ServiceNames.Complete);
        var command = new Command(
            "copy",
            """
            Copy what TO lacks of FROM: to seed a second repository, to leave a provider. Every object is checked before it lands, with the identity
            if there is one; nothing in TO is overwritten. May be interrupted and repeated. A backup appears in TO only when all of it is there.
            Exits 5 if an object of FROM is damaged, 7 if TO has other content under a name.

              pitr repo copy local offsite --init
              pitr repo copy local offsite --service main --backup 20261121T031500Z
              pitr repo copy local offsite --read-back --dry-run
            """)
        {
            From, To, Service, Backup, Initialise, ReadBack, DryRun, Jobs,
        };
        command.SetAction(Audited.ActionOnRepository("repo-copy", To, RunAsync));
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, AuditNotes notes, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        var options = Read(parsed);
        var (from, to) = (parsed.GetValue(From)!, parsed.GetValue(To)!);
        notes.Subject = $"from {from}{(options.Service is { } service ? $", service {service}" : "")}{(options.Backup is { } backup ? $", backup {backup}" : "")}";
        notes.ChangedNothing = options.DryRun;
        await using var source = context.OpenRepository(from);
        await using var destination = context.OpenRepository(to);
        var others = context.Configuration.Repositories.Keys.Where(name => name != from && name != to).Select(context.OpenRepository).ToArray();
        try
        {
            using var keys = new RepositoryKeys(context.Configuration, [source, destination, .. others], CommandContext.Clock, CommandContext.AskPassphrase);
            var copy = new RepositoryCopy(
                source, destination, others, new ObjectOpener(keys), Path.Combine(context.Configuration.StateDirectory, "spool"), CommandContext.Clock)
            {
                Begins = options.DryRun ? null : notes.BeginAsync,
            };
            var started = Stopwatch.GetTimestamp();
            RepositoryCopyReport report;
            using (var display = new ProgressDisplay())
            {
                report = await copy.RunAsync(options, new Forward<RepositoryCopyProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes)), cancellation);
            }

            notes.Details["copied"] = $"{report.Copied} objects, {Texts.Size(report.CopiedBytes)}";
            return Report(context, from, to, options, report, Stopwatch.GetElapsedTime(started).TotalSeconds);
        }
        finally
        {
            foreach (var other in others)
            {
                await other.DisposeAsync();
            }
        }
    }

    static RepositoryCopyOptions Read(ParseResult parsed)
    {
        var service = parsed.GetValue(Service);
        var backup = parsed.GetValue(Backup);
        if (backup is not null && service is null)
        {
            throw new RefusedInputException("--backup without --service: backup ids belong to services", "name the service with --service");
        }

        try
        {
            return new RepositoryCopyOptions
            {
                Service = service is null ? null : ServiceName.Parse(service),
                Backup = backup is null ? null : BackupId.Parse(backup),
                Jobs = parsed.GetValue(Jobs),
                DryRun = parsed.GetValue(DryRun),
                ReadBack = parsed.GetValue(ReadBack),
                Initialise = parsed.GetValue(Initialise),
            };
        }
        catch (FormatException e)
        {
            throw new RefusedInputException(e.Message, inner: e);
        }
    }

    static int Report(CommandContext context, string from, string to, RepositoryCopyOptions options, RepositoryCopyReport report, double seconds)
    {
        BatchOutput.ReportFailures(report.Failures, report.Failed);
        foreach (var backup in report.HeldBack)
        {
            Console.Error.WriteLine($"pitr: backup {backup} is not whole in \"{to}\", so its entry was not copied");
        }

        if (context.Output == OutputFormat.Json)
        {
            Json.Write(ToJson(from, to, options, report, seconds));
        }
        else
        {
            Print(from, to, options, report, seconds);
        }

        return BatchOutput.ExitCode(report.Failures);
    }

    static void Print(string from, string to, RepositoryCopyOptions options, RepositoryCopyReport report, double seconds)
    {
        if (report.Initialised)
        {
            Console.WriteLine(report.DestinationId is { } id ? $"{to} is now a repository (id {id})." : $"{to} would be made a repository.");
        }

        var rate = !options.DryRun && report.CopiedBytes > 0 && seconds > 0 ? $", {Texts.Size((long)(report.CopiedBytes / seconds))}/s" : "";
        Console.WriteLine(
            $"{from} to {to}: {(options.DryRun ? "would copy" : "copied")} {report.Copied} objects, {Texts.Size(report.CopiedBytes)}; {report.Present} were there{(report.Failed > 0 ? $", {report.Failed} not copied" : "")}; {Texts.Span(seconds)}{rate}");
        if (report.Backups.Count > 0)
        {
            Console.WriteLine($"backups {(options.DryRun ? "that would come" : "that came")}: {string.Join(", ", report.Backups)}");
        }

        if (report.Unauthenticated > 0)
        {
            Console.WriteLine($"{report.Unauthenticated} of them could be checked by structure and digest only: {report.UnauthenticatedReason}");
        }
    }

    static JsonObject ToJson(string from, string to, RepositoryCopyOptions options, RepositoryCopyReport report, double seconds) => new()
    {
        ["format"] = 1,
        ["from"] = from,
        ["to"] = to,
        ["to-id"] = report.DestinationId,
        ["initialised"] = report.Initialised,
        ["dry-run"] = options.DryRun,
        ["copied"] = report.Copied,
        ["copied-bytes"] = report.CopiedBytes,
        ["present"] = report.Present,
        ["unauthenticated"] = report.Unauthenticated,
        ["unauthenticated-reason"] = report.UnauthenticatedReason,
        ["backups"] = Json.Array(report.Backups, backup => backup),
        ["held-back"] = Json.Array(report.HeldBack, backup => backup),
        ["failed"] = report.Failed,
        ["failures"] = BatchOutput.Failures(report.Failures),
        ["seconds"] = Math.Round(seconds, 3),
    };
}
