using System.Globalization;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Catalog;
using Pitr.Operations.Dumps;
using Pitr.Operations.Services;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr backup` of a service whose backups are dumps.</summary>
static class DumpBackupRun
{
    const int MostCountsShown = 3;

    public static async Task<int> RunAsync(CommandContext context, string? name, AuditNotes notes, CancellationToken cancellation)
    {
        await using var service = context.OpenDumpService(name);
        DumpDocument backup;
        using (var display = new ProgressDisplay())
        {
            backup = await TakeAsync(service, notes, display, cancellation);
        }

        using var catchUp = new CatchUp(service);
        var owed = await catchUp.RunAsync(cancellation);
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(JsonNode.Parse(backup.ToJson())!);
            return ExitCodes.Success;
        }

        var took = backup.Finished - backup.Started;
        Console.WriteLine($"backup {backup.Id} of {backup.Service}: {Texts.Size(backup.Bytes)} in {backup.Streams.Count} streams, stored as {Texts.Size(backup.StoredBytes)} in {backup.Parts.Count} parts");
        Console.WriteLine($"  took {Texts.Span(took)} ({Texts.Size((long)(backup.Bytes / Math.Max(took.TotalSeconds, 0.001)))}/s), by {backup.Tool} from {backup.Product} {backup.ServerVersion}");
        var table = new Table().Border(TableBorder.Simple).AddColumns("stream", "format", "size", "holds");
        foreach (var stream in backup.Streams)
        {
            table.AddRow(Markup.Escape(stream.Name), stream.Format, Texts.Size(stream.Bytes), Markup.Escape(Holds(stream)));
        }

        AnsiConsole.Write(table);
        foreach (var lagging in owed.Where(o => o.Left > 0))
        {
            Console.WriteLine($"  not yet in repository {lagging.Repository}, which is owed {lagging.Left} objects: {lagging.Reason}; the next backup or `pitr repo catch-up` gives them to it");
        }

        Console.WriteLine($"  bring it back: pitr restore {backup.Service} {backup.Id} --dry-run");
        foreach (var line in backup.Messages)
        {
            Console.Error.WriteLine($"{backup.Tool.Split(' ')[0]}: {line}");
        }

        return ExitCodes.Success;
    }

    /// <summary>Takes a dump of a service.</summary>
    public static async Task<DumpDocument> TakeAsync(DumpService service, AuditNotes notes, ProgressDisplay display, CancellationToken cancellation)
    {
        await using var source = DumpKinds.Source(service.Settings, service);
        var backup = await new DumpRun(service, source, CommandContext.Version)
            .RunAsync(new Forward<DumpProgress>(p => display.Show(p.Phase, p.Bytes, Math.Max(p.Bytes, p.TotalBytes))), cancellation);
        notes.Subject = backup.Id;
        notes.Details["method"] = backup.Tool;
        notes.Details["stored"] = Texts.Size(backup.StoredBytes);
        return backup;
    }

    // The largest of what was counted: a server may have thousands of collections.
    static string Holds(DumpStreamRecord stream)
    {
        var shown = stream.Counts.Where(c => c.After > 0).OrderByDescending(c => c.After).Take(MostCountsShown).Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Name}: {c.After}"));
        return string.Join(", ", stream.Counts.Count(c => c.After > 0) > MostCountsShown ? shown.Append("…") : shown);
    }
}
