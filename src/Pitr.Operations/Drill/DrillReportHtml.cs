using System.Globalization;
using System.Net;
using System.Text;
using Pitr.Operations.Configuration;

namespace Pitr.Operations.Drill;

/// <summary>Renders a drill report as one HTML file that opens offline: no scripts, no fonts, nothing from elsewhere. Light or dark as the reader's system is, light on paper.</summary>
public static class DrillReportHtml
{
    /// <summary>So many drills make the trend.</summary>
    public const int TrendLength = 100;

    const int MostTables = 50;
    const int MostDrills = 20;

    const string Style =
        """
        :root{color-scheme:light dark;--ink:#1b1f24;--soft:#5b6570;--line:#d5dae0;--bar:#3b6ea8;--good:#1a7f45;--bad:#b3261e;--warn:#8a5300;--paper:#fff}
        @media screen and (prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a0a8b2;--line:#3a4149;--bar:#7aa7dc;--good:#5fc48a;--bad:#ff8a80;--warn:#e8b15c;--paper:#16191d}}
        body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:56rem;margin:2rem auto;padding:0 1rem}
        h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}.soft{color:var(--soft)}
        .verdict{font-size:2rem;font-weight:700}.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
        table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}th{min-width:8rem}td.good,td.bad,td.n{white-space:nowrap}
        td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}thead th{color:var(--soft);font-weight:400;min-width:0;white-space:nowrap}
        code{font:.85em ui-monospace,monospace;color:var(--soft);white-space:pre-wrap}
        .track{position:relative;height:1.1rem;background:var(--line);border-radius:3px;min-width:14rem}
        .fill{position:absolute;inset:0 auto 0 0;background:var(--bar);border-radius:3px;min-width:2px}
        .limit{position:absolute;top:-.2rem;bottom:-.2rem;width:2px;background:var(--bad)}
        svg{display:block;width:100%;height:auto;margin:.5rem 0 1.5rem}svg text{font:11px system-ui,sans-serif;fill:var(--soft)}
        .grid{stroke:var(--line);stroke-width:1}.trend{fill:none;stroke:var(--bar);stroke-width:1.5}.goal{fill:none;stroke:var(--bad);stroke-width:1.5;stroke-dasharray:5 4}
        .dot{fill:var(--good)}.cross{stroke:var(--bad);stroke-width:2.5;fill:none}
        .bars th{min-width:0;width:5rem}.bars td.n{width:5.5rem}.wide{overflow-x:auto}.wide td,.wide th{overflow-wrap:break-word}td.n+td.n,th.n+th.n{padding-left:.6rem}
        @media screen and (max-width:40rem){body{margin:1rem auto;font-size:15px}.bars th{width:3.5rem}.bars td.n{width:auto}.track{min-width:4rem}svg text{font-size:18px}
        .checks tr{display:grid;grid-template-columns:2.8rem 1fr auto;border-bottom:1px solid var(--line)}.checks td,.checks th{border:0;min-width:0}.checks td:nth-child(3){grid-area:2/2/3/-1}}
        @media print{.wide{overflow:visible;font-size:9.5pt}.wide td,.wide th{overflow-wrap:anywhere}body{margin:0;max-width:none;padding:0;font-size:11pt}.track,.fill,.limit{print-color-adjust:exact;-webkit-print-color-adjust:exact}tr,svg,li{break-inside:avoid}h2{break-after:avoid}}
        """;

    /// <summary>The page.</summary>
    /// <param name="report">The drill.</param>
    /// <param name="history">Drills for the trend, in any order; the drill itself may be among them.</param>
    public static string Render(DrillReport report, IReadOnlyList<DrillReport>? history = null)
    {
        ArgumentNullException.ThrowIfNull(report);
        DrillReport[] drills = [.. (history ?? []).Where(drill => drill.Id != report.Id).Append(report).OrderBy(drill => drill.Requested).ThenBy(drill => drill.Id, StringComparer.Ordinal).TakeLast(TrendLength)];
        var html = new StringBuilder();
        html.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
        html.Append(CultureInfo.InvariantCulture, $"<title>Recovery drill {Text(report.Service)} {Text(report.Id)}</title><style>{Style}</style></head><body>\n");
        html.Append(CultureInfo.InvariantCulture, $"<h1>Recovery drill: {Text(report.Service)}</h1><p class=\"soft\">{Moment(report.Requested)} on {Text(report.Host)}, drill {Text(report.Id)}, target {Text(Target(report))}, backup {Text(report.Backup ?? "none")}</p>\n");
        html.Append(CultureInfo.InvariantCulture, $"<p class=\"verdict {(report.Passed ? "good" : "bad")}\">{(report.Passed ? "Passed" : "Failed")}</p>\n");
        AppendList(html, "bad", report.Failures);
        AppendList(html, "warn", report.Warnings);
        AppendObjectives(html, report);
        AppendPhases(html, report);
        AppendDamage(html, report);
        AppendChecks(html, report);
        AppendRows(html, report);
        html.Append("<h2>Past drills</h2>\n");
        DrillTrend.Append(html, "RTO", report.RtoMeaning, drills, drill => (drill.RtoSeconds, drill.RtoObjectiveSeconds));
        DrillTrend.Append(html, "RPO", "what would have been lost", drills, drill => (drill.RpoSeconds, drill.RpoObjectiveSeconds));
        AppendHistory(html, drills);
        AppendFacts(html, report);
        html.Append("</body></html>\n");
        return html.ToString();
    }

    static void AppendList(StringBuilder html, string kind, IReadOnlyList<string> texts)
    {
        if (texts.Count == 0)
        {
            return;
        }

        html.Append("<ul>");
        foreach (var text in texts)
        {
            html.Append(CultureInfo.InvariantCulture, $"<li class=\"{kind}\">{Text(text)}</li>");
        }

        html.Append("</ul>\n");
    }

    static void AppendObjectives(StringBuilder html, DrillReport report)
    {
        html.Append("<h2>Objectives</h2><table class=\"bars\">\n");
        AppendObjective(html, "RTO", report.RtoMeaning, report.RtoSeconds, report.RtoObjectiveSeconds);
        AppendObjective(html, "RPO", report.RpoBasis ?? "not measured", report.RpoSeconds, report.RpoObjectiveSeconds);
        html.Append("</table>\n");
    }

    // The bar's full width is the larger of figure and objective; the line marks the objective.
    static void AppendObjective(StringBuilder html, string name, string meaning, double? measured, double objective)
    {
        var width = Math.Max(Math.Max(measured ?? 0, objective) * 1.05, 0.001);
        var met = measured <= objective;
        html.Append(CultureInfo.InvariantCulture, $"<tr><th>{name}</th><td>{Bar((measured ?? 0) / width, objective / width)}<span class=\"soft\">{Text(meaning)}</span></td>");
        html.Append(CultureInfo.InvariantCulture, $"<td class=\"n {(met ? "good" : "bad")}\">{Figure(measured)}</td><td class=\"n soft\">of {objective:0} s</td></tr>\n");
    }

    static void AppendPhases(StringBuilder html, DrillReport report)
    {
        html.Append("<h2>Phases</h2><table class=\"bars\">\n");
        var longest = report.Phases.Count == 0 ? 1 : Math.Max(report.Phases.Max(p => p.Seconds), 0.001);
        foreach (var phase in report.Phases)
        {
            html.Append(CultureInfo.InvariantCulture, $"<tr><th>{Text(phase.Name)}</th><td>{Bar(phase.Seconds / longest, null)}</td><td class=\"n\">{phase.Seconds:0.00} s</td></tr>\n");
        }

        html.Append("</table>\n");
    }

    static void AppendDamage(StringBuilder html, DrillReport report)
    {
        if (report.DamagedPages == 0)
        {
            return;
        }

        html.Append(CultureInfo.InvariantCulture, $"<h2>Damaged pages of the backup</h2><p>{report.DamagedPages} had a wrong checksum on the server when the backup was taken.</p><table>\n");
        foreach (var page in report.Damage)
        {
            html.Append(CultureInfo.InvariantCulture, $"<tr><th>{Text(page.Path)}</th><td class=\"n\">block {page.Block}</td></tr>\n");
        }

        html.Append("</table>\n");
    }

    static void AppendChecks(StringBuilder html, DrillReport report)
    {
        html.Append("<h2>Checks</h2><table class=\"checks\">\n");
        foreach (var check in report.Checks)
        {
            var query = check.Sql is { } sql ? $"<br><code>{Text(sql)}</code>" : "";
            html.Append(CultureInfo.InvariantCulture, $"<tr><td class=\"{(check.Passed ? "good\">pass" : "bad\">fail")}</td><th>{Text(check.Name)}</th><td>{Text(check.Detail)}{query}</td><td class=\"n soft\">{check.Seconds:0.00} s</td></tr>\n");
        }

        html.Append("</table>\n");
    }

    static void AppendRows(StringBuilder html, DrillReport report)
    {
        if (report.RowCounts is not { } counts)
        {
            return;
        }

        html.Append(CultureInfo.InvariantCulture, $"<h2>Rows</h2><p>{counts.Tables:N0} tables with {counts.Rows:N0} rows{(counts.ComparedWith is { } earlier ? $", beside those of drill {Text(earlier)}" : "")}.</p>\n");
        if (counts.Largest.Count == 0)
        {
            return;
        }

        html.Append("<div class=\"wide\"><table><thead><tr><th>database</th><th>table</th><th class=\"n\">rows</th><th class=\"n\">before</th><th class=\"n\">change</th></tr></thead>\n");
        foreach (var table in counts.Largest.Take(MostTables))
        {
            var change = table.Before is { } before ? (table.Rows - before).ToString("+#,0;-#,0;0", CultureInfo.InvariantCulture) : "";
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(table.Database)}</td><th>{Text(table.Table)}</th><td class=\"n\">{table.Rows:N0}</td><td class=\"n soft\">{table.Before:N0}</td><td class=\"n{(table is { Rows: 0, Before: > 0 } ? " warn" : "")}\">{change}</td></tr>\n");
        }

        html.Append("</table></div>\n");
        if (counts.Tables > MostTables)
        {
            html.Append(CultureInfo.InvariantCulture, $"<p class=\"soft\">The {MostTables} largest are shown.</p>\n");
        }
    }

    static void AppendHistory(StringBuilder html, DrillReport[] drills)
    {
        html.Append("<div class=\"wide\"><table><thead><tr><th>requested</th><th>target</th><th>verdict</th><th class=\"n\">RTO</th><th class=\"n\">RPO</th><th>host</th></tr></thead>\n");
        foreach (var drill in Enumerable.Reverse(drills).Take(MostDrills))
        {
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{Moment(drill.Requested)}</td><td>{Text(Target(drill))}</td><td class=\"{(drill.Passed ? "good\">passed" : "bad\">failed")}</td>");
            html.Append(CultureInfo.InvariantCulture, $"<td class=\"n\">{Figure(drill.RtoSeconds)}</td><td class=\"n\">{Figure(drill.RpoSeconds)}</td><td>{Text(drill.Host)}</td></tr>\n");
        }

        html.Append("</table></div>\n");
    }

    static void AppendFacts(StringBuilder html, DrillReport report)
    {
        html.Append("<h2>Facts</h2><table>\n");
        if (report.Kind == FilesServiceSettings.KindName)
        {
            AppendFact(html, "Restored", $"{report.RestoredBytes.ToString("N0", CultureInfo.InvariantCulture)} bytes of files from {report.FetchedBytes.ToString("N0", CultureInfo.InvariantCulture)} stored bytes");
            if (report.Tree is { } tree)
            {
                AppendFact(html, "Tree", tree.ToString());
                AppendFact(html, "Before", tree.Earlier);
            }

            html.Append("</table>\n");
            return;
        }

        if (report.Kind != PostgresServiceSettings.KindName)
        {
            AppendFact(html, "Restored", $"{report.RestoredBytes.ToString("N0", CultureInfo.InvariantCulture)} bytes of a dump of kind {report.Kind} from {report.FetchedBytes.ToString("N0", CultureInfo.InvariantCulture)} stored bytes");
            html.Append("</table>\n");
            return;
        }

        AppendFact(html, "Last recovered commit", report.LastRecoveredCommit is { } commit ? commit.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.ffffff 'UTC'", CultureInfo.InvariantCulture) : "none was replayed");
        AppendFact(html, "Restored", $"{report.RestoredBytes.ToString("N0", CultureInfo.InvariantCulture)} bytes of files from {report.FetchedBytes.ToString("N0", CultureInfo.InvariantCulture)} stored bytes");
        AppendFact(html, "WAL", $"{report.WalSegments} segments");
        html.Append("</table>\n");
    }

    static void AppendFact(StringBuilder html, string name, string value) =>
        html.Append(CultureInfo.InvariantCulture, $"<tr><th>{name}</th><td>{Text(value)}</td></tr>\n");

    static string Bar(double share, double? limit)
    {
        var mark = limit is { } at ? $"<div class=\"limit\" style=\"left:{Percent(at)}\"></div>" : "";
        return $"<div class=\"track\"><div class=\"fill\" style=\"width:{Percent(share)}\"></div>{mark}</div>";
    }

    static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{share * 100:0.00}%");

    static string Figure(double? seconds) => seconds is { } value ? string.Create(CultureInfo.InvariantCulture, $"{value:0.0} s") : "unknown";

    static string Target(DrillReport report) => report.RandomSeed is { } seed ? string.Create(CultureInfo.InvariantCulture, $"{report.Target} (random, seed {seed})") : report.Target;

    /// <summary>A moment to the second.</summary>
    internal static string Moment(DateTimeOffset moment) => moment.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    /// <summary>Any text, so that it is nothing but text in the page.</summary>
    internal static string Text(string value) => WebUtility.HtmlEncode(value);
}
