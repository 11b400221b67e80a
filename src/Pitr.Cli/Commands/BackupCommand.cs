using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Backup;
using Pitr.Operations.Services;

namespace Pitr.Cli.Commands;

/// <summary>`pitr backup`: takes a base backup.</summary>
static class BackupCommand
{
    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: true);
    static readonly Option<long?> Limit = GlobalOptions.Rate("--limit", "Most bytes of the cluster to read per second (default backup.limit; nothing limits it)");

    public static Command Create()
    {
        var command = new Command(
            "backup",
            """
            Take a base backup; it counts only when its files and all the WAL it needs are in every repository,
            or in as many as the service requires.

              pitr backup main
              pitr backup main --limit 50MB/s        beside a busy server
              pitr --output json backup main
            """)
        {
            ServiceName, Limit,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        await using var service = context.OpenService(parsed.GetValue(ServiceName));
        Pitr.Format.Catalog.BackupDocument backup;
        using (var display = new ProgressDisplay())
        {
            var run = new BackupRun(service, CommandContext.Version) { Limit = parsed.GetValue(Limit) ?? service.Settings.Backup.Limit };
            backup = await run.RunAsync(new Forward<BackupProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes)), cancellation);
        }

        using var catchUp = new CatchUp(service);
        var owed = await catchUp.RunAsync(cancellation);

        if (context.Output == OutputFormat.Json)
        {
            Json.Write(JsonNode.Parse(backup.ToJson())!);
            return ExitCodes.Success;
        }

        var took = backup.Finished - backup.Started;
        Console.WriteLine($"backup {backup.Id} of {backup.Service}: {Texts.Size(backup.DatabaseBytes)} in {backup.Files} files, stored as {Texts.Size(backup.StoredBytes)} in {backup.Packs.Count} packs");
        Console.WriteLine($"  took {Texts.Span(took)} ({Texts.Size((long)(backup.DatabaseBytes / Math.Max(took.TotalSeconds, 0.001)))}/s), timeline {backup.Timeline}, WAL {backup.StartWal} to {backup.StopWal}");
        foreach (var lagging in owed.Where(o => o.Left > 0))
        {
            Console.WriteLine($"  not yet in repository {lagging.Repository}, which is owed {lagging.Left} objects: {lagging.Reason}; `pitr agent` or `pitr repo catch-up` gives them to it");
        }

        Console.WriteLine($"  restorable from {Texts.Moment(backup.StopTime)} on: pitr restore {backup.Service} --to DIR --dry-run");
        return ExitCodes.Success;
    }
}
