using System.CommandLine;
using Pitr.Cli.Output;
using Pitr.Operations.Errors;
using Pitr.Operations.Extract;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Postgres.Dumps;

namespace Pitr.Cli.Commands;

/// <summary>`pitr extract`: tables, schemas or a database out of the past, into a dump or a living database.</summary>
static class ExtractCommand
{
    const string StandardOutput = "-";

    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: true);
    static readonly Option<string?> Database = new("--database") { Description = "The database they are in (default: the one that has all of them)", HelpName = "NAME" };
    static readonly Option<string[]> Tables = Several("--table", "-t", "A table, view or sequence; * and ? are wildcards, as in pg_dump. Partitions come along", "SCHEMA.NAME");
    static readonly Option<string[]> Schemas = Several("--schema", "-n", "Everything in a schema", "NAME");
    static readonly RestoreTargetOptions Target = new();
    static readonly Option<string?> To = new("--to") { Description = "Write a dump to this file or directory; - for standard output", HelpName = "FILE" };
    static readonly Option<DumpFormat> Format = new("--format") { Description = "With --to: custom (default) and directory for pg_restore, plain for psql" };
    static readonly Option<bool> Overwrite = new("--overwrite") { Description = "With --to: replace a dump of that name" };
    static readonly Option<string?> IntoDatabase = new("--into-database")
    {
        Description = "Restore into a living database, in one transaction: its name on the service's server, or a connection string without password", HelpName = "CONN",
    };

    static readonly Option<string?> IntoSchema = new("--into-schema") { Description = "Put them into a schema of this name, made for them, beside what is there", HelpName = "NAME" };
    static readonly Option<bool> NoOwner = new("--no-owner") { Description = "With --into-database: everything belongs to the role that connects" };
    static readonly Option<bool> NoPrivileges = new("--no-privileges") { Description = "With --into-database: grant nothing" };
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();
    static readonly Option<string?> Scratch = GlobalOptions.Scratch();
    static readonly Option<bool> DryRun = new("--dry-run") { Description = "Show the plan, look at space, programs and destination, and do nothing" };

    public static Command Create()
    {
        var command = new Command(
            "extract",
            """
            Take tables, schemas or a whole database out of the past, without restoring the cluster in place.

            Restores into scratch space, recovers to the moment, dumps what is named with pg_dump, and clears everything away. Without
            --table and --schema it takes the whole database. What the destination has already is never touched: existing tables,
            schemas and files are refused, and a dump that fails leaves nothing.

              pitr extract main --table public.orders --target-time '2026-11-21 03:14:59+09' --to orders.dump
              pitr extract main --table public.orders --target-time '2026-11-21 03:14:59+09' --into-database shop
              pitr extract main -t public.orders -t 'public.order_*' --target-time '…' --into-database shop --into-schema recovered
              pitr extract main --schema sales --database shop --to sales.sql --format plain
              PGPASSFILE=~/.pgpass pitr extract main --database shop --into-database 'postgresql://me@db2/shop_copy' --no-owner
              pitr extract main --table public.orders --target-lsn 0/1877808 --exclusive --to - | pg_restore --data-only -f -
            """)
        {
            ServiceName, Database, Tables, Schemas,
        };
        Target.AddTo(command);
        foreach (var option in new Option[] { To, Format, Overwrite, IntoDatabase, IntoSchema, NoOwner, NoPrivileges, Repositories, Scratch, DryRun })
        {
            command.Options.Add(option);
        }

        command.SetAction(Audited.Action("extract", ServiceName, RunAsync));
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, AuditNotes notes, CancellationToken cancellation)
    {
        var dryRun = parsed.GetValue(DryRun);
        notes.ChangedNothing = dryRun;
        if (!dryRun)
        {
            RootRefusal.Require("PostgreSQL does not run as root", "extract");
        }

        var request = new ExtractRequest(Target.Read(parsed))
        {
            Database = parsed.GetValue(Database),
            Tables = parsed.GetValue(Tables) ?? [],
            Schemas = parsed.GetValue(Schemas) ?? [],
            IntoSchema = parsed.GetValue(IntoSchema),
            ScratchDirectory = parsed.GetValue(Scratch),
        };
        using var context = new CommandContext(parsed);
        await using var service = context.OpenService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        var destination = Destination(parsed, context, service);
        notes.Subject = DumpNames.Read(request).Description;
        notes.Details["target"] = request.Moment.Target.ToString()!;
        notes.Details["to"] = destination.Description;
        await using var handler = context.CreateArchiveHandler(service);
        var run = new ExtractRun(service, handler, context.ArchiveCommands(service.Name.ToString()), request, destination);
        var started = CommandContext.Clock.GetTimestamp();
        using var display = new ProgressDisplay();
        var progress = new Forward<RestoreProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes));
        var plan = await run.PlanAsync(progress, cancellation);
        notes.Details["backup"] = plan.Restore.Backup.Id;
        if (dryRun)
        {
            var scratch = await run.RequireSpaceAsync(plan, cancellation);
            display.Clear();
            ExtractOutput.Plan(context.Output, plan, request, destination, scratch);
            return ExitCodes.Success;
        }

        await notes.BeginAsync(cancellation);
        var report = await run.RunAsync(plan, progress, cancellation);
        notes.Details["database"] = report.Database;
        display.Clear();
        ExtractOutput.Done(context.Output, plan, request, destination, report, CommandContext.Clock.GetElapsedTime(started), parsed.GetValue(To) == StandardOutput ? Console.Error : Console.Out);
        return ExitCodes.Success;
    }

    static IDumpDestination Destination(ParseResult parsed, CommandContext context, PostgresService service)
    {
        var format = parsed.GetValue(Format);
        switch (parsed.GetValue(To), parsed.GetValue(IntoDatabase))
        {
            case (null, { } connection):
                Refuse(parsed, [Format, Overwrite], "--to");
                return new TargetDatabase(TargetConnection.Read(connection, service.Settings), parsed.GetValue(NoOwner), parsed.GetValue(NoPrivileges));
            case ({ } path, null):
                Refuse(parsed, [NoOwner, NoPrivileges], "--into-database");
                if (path != StandardOutput)
                {
                    return new DumpFile(Path.GetFullPath(path), format, parsed.GetValue(Overwrite), CommandContext.Clock);
                }

                return context.Output == OutputFormat.Text
                    ? new DumpStream(Console.OpenStandardOutput(), format)
                    : throw new RefusedInputException("standard output takes the dump, and nothing else beside it", "name a file with --to, or leave --output json out");
            default:
                throw new RefusedInputException("where shall it go?", "one of --to FILE and --into-database CONN; --output is about the form of this command's own answer");
        }
    }

    static void Refuse(ParseResult parsed, Option[] options, string of)
    {
        if (Array.Find(options, o => parsed.GetResult(o) is { Implicit: false }) is { } option)
        {
            throw new RefusedInputException($"{option.Name} belongs to {of}", "leave it out");
        }
    }

    static Option<string[]> Several(string name, string alias, string description, string help) =>
        new(name, alias) { Description = $"{description} (several: again)", HelpName = help, AllowMultipleArgumentsPerToken = false };
}
