using System.Globalization;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Extract;

namespace Pitr.Cli.Commands;

/// <summary>Prints plans and results of extracts.</summary>
static class ExtractOutput
{
    const int MostListed = 20;

    /// <summary>What would be done.</summary>
    public static void Plan(OutputFormat format, ExtractPlan extract, ExtractRequest request, IDumpDestination destination, string scratch)
    {
        var plan = extract.Restore;
        if (format == OutputFormat.Json)
        {
            var json = Head(extract, request, destination);
            json["objects"] = extract.Names.IsWholeDatabase ? null : Json.Array(request.Tables.Concat(request.Schemas), name => name);
            json["backup-reason"] = plan.BackupReason;
            json["wal-segments"] = plan.WalSegments;
            json["fetch-bytes"] = plan.FetchBytes;
            json["restored-bytes"] = plan.RestoredBytes;
            json["scratch"] = scratch;
            json["programs"] = Json.Array(extract.Programs.Values, path => path);
            Json.Write(json);
            return;
        }

        Console.WriteLine(
            $"""
            Plan
              target     {plan.Target}
              backup     {plan.Backup.Id} ({plan.BackupReason}), consistent at {Texts.Moment(plan.Backup.StopTime)}, PostgreSQL {plan.Backup.PostgresVersion / 10000}
              WAL        {plan.FirstWal} to {plan.LastWal}, {plan.WalSegments} segment(s), all there
              fetch      {Texts.Size(plan.FetchBytes)} from the repository, plus WAL
              scratch    {Texts.Size(plan.RestoredBytes)} below {scratch}, for the time of the extract
              take       {extract.Names.Description}{(request.Database is { } database ? $" of database {database}" : extract.Names.IsWholeDatabase ? "" : ", of the database that has it")}{(request.IntoSchema is { } schema ? $", into schema {schema}" : "")}
              to         {destination.Description}
              with       {string.Join(", ", extract.Programs.Values)}
            """);
        if (plan.Backup.DamagedPages > 0)
        {
            Console.WriteLine($"  DAMAGED    the backup holds {DamageOutput.Sentence(plan.Backup.DamagedPages, plan.Backup.Damage)}");
        }
    }

    /// <summary>What was done.</summary>
    public static void Done(OutputFormat format, ExtractPlan plan, ExtractRequest request, IDumpDestination destination, ExtractReport report, TimeSpan took, TextWriter output)
    {
        if (format == OutputFormat.Json)
        {
            var json = Head(plan, request, destination);
            json["database"] = report.Database;
            json["last-recovered-commit"] = Json.Moment(report.LastRecoveredCommit);
            json["dump-bytes"] = report.DumpBytes;
            json["relations"] = Json.Array(report.Relations, r => new JsonObject { ["schema"] = r.Schema, ["name"] = r.Name, ["kind"] = r.Kind, ["rows"] = r.Rows, ["bytes"] = r.Bytes });
            json["left-out"] = Json.Array(report.LeftOut, text => text);
            json["phases"] = Json.Array(report.Phases, p => new JsonObject { ["name"] = p.Name, ["seconds"] = Math.Round(p.Seconds, 3) });
            json["seconds"] = Math.Round(took.TotalSeconds, 3);
            Json.Write(json);
            return;
        }

        var rows = report.Relations.Sum(r => r.Rows ?? 0);
        output.WriteLine($"{plan.Names.Description} of database {report.Database}: {report.Relations.Count} relation(s), {Count(rows)} rows, {Texts.Size(report.Relations.Sum(r => r.Bytes))}, to {destination.Description}");
        foreach (var relation in report.Relations.Take(MostListed))
        {
            output.WriteLine($"  {relation.Schema}.{relation.Name}  {(relation.Rows is { } n ? $"{Count(n)} rows, {Texts.Size(relation.Bytes)}" : relation.Kind)}");
        }

        if (report.Relations.Count > MostListed)
        {
            output.WriteLine($"  and {report.Relations.Count - MostListed} more");
        }

        foreach (var text in report.LeftOut)
        {
            output.WriteLine($"  left out: {text}");
        }

        output.WriteLine($"recovered to {plan.Restore.Target}, last recovered commit {(report.LastRecoveredCommit is { } last ? Json.Moment(last) : "none after the backup")}; dump {Texts.Size(report.DumpBytes)}");
        output.WriteLine($"took {Texts.Span(took)}: {string.Join(", ", report.Phases.Select(p => $"{p.Name} {Texts.Span(p.Seconds)}"))}; scratch space is cleared");
        if (plan.Restore.Backup.DamagedPages > 0)
        {
            Console.Error.WriteLine($"DAMAGED: the backup holds {DamageOutput.Sentence(plan.Restore.Backup.DamagedPages, plan.Restore.Backup.Damage)}");
        }
    }

    static string Count(long rows) => rows.ToString(CultureInfo.InvariantCulture);

    static JsonObject Head(ExtractPlan extract, ExtractRequest request, IDumpDestination destination)
    {
        var plan = extract.Restore;
        var json = new JsonObject
        {
            ["format"] = 1,
            ["service"] = plan.Backup.Service,
            ["target"] = plan.Target.ToString(),
            ["backup"] = plan.Backup.Id,
            ["database"] = request.Database,
            ["into-schema"] = request.IntoSchema,
            ["to"] = destination.Description,
        };
        DamageOutput.AddTo(json, plan.Backup);
        return json;
    }
}
