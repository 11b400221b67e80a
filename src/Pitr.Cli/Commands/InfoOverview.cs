using System.Globalization;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr info` of several services: one table, all kinds alike, from what the JSON says of every kind.</summary>
static class InfoOverview
{
    /// <param name="services">The services as the JSON has them.</param>
    public static void Print(JsonArray services)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("service", "kind", "can be brought back to", "backups", "newest", "ended", "stored");
        foreach (var service in services.Select(node => node!.AsObject()))
        {
            var backups = service["backups"]!.AsArray().Select(node => node!.AsObject()).ToArray();
            table.AddRow(
                Markup.Escape(Text(service, "service")),
                Text(service, "kind"),
                Reach(service, backups.Length),
                $"{backups.Length}",
                backups.Length > 0 ? Text(backups[^1], "id") : "",
                backups.Length > 0 ? Moment(backups[^1], "finished") : "",
                Texts.Size(backups.Sum(backup => backup["stored-bytes"]?.GetValue<long>() ?? 0)));
        }

        AnsiConsole.Write(table);
        AnsiConsole.MarkupLine("`pitr info SERVICE` lists the backups of one");
    }

    static string Reach(JsonObject service, int backups) => (service["restorable"]!.GetValue<bool>(), service["spans"]) switch
    {
        (false, _) => backups == 0 ? $"[red]nothing[/]: no backup yet, take one with `pitr backup {Markup.Escape(Text(service, "service"))}`" : "[red]nothing[/]",
        (true, JsonArray { Count: > 0 } spans) => $"[green]any moment[/] from {Moment(spans[^1]!.AsObject(), "from")} to {Moment(spans[^1]!.AsObject(), "to")}",
        _ => "[green]the moment of each backup[/]",
    };

    static string Text(JsonObject of, string key) => of[key]?.GetValue<string>() ?? "";

    static string Moment(JsonObject of, string key) => Texts.Moment(DateTimeOffset.Parse(Text(of, key), CultureInfo.InvariantCulture));
}
