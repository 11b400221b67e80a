using System.Globalization;
using System.Net;
using System.Text;

namespace Pitr.Operations.Drill;

/// <summary>Renders a drill report as one HTML file that opens offline: no scripts, no fonts, nothing from elsewhere.</summary>
public static class DrillReportHtml
{
    const string Style =
        """
        :root{color-scheme:light dark;--ink:#1b1f24;--soft:#5b6570;--line:#d5dae0;--bar:#3b6ea8;--good:#1a7f45;--bad:#b3261e;--paper:#fff}
        @media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a0a8b2;--line:#3a4149;--bar:#7aa7dc;--good:#5fc48a;--bad:#ff8a80;--paper:#16191d}}
        body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:52rem;margin:2rem auto;padding:0 1rem}
        h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}.soft{color:var(--soft)}
        .verdict{font-size:2rem;font-weight:700}.good{color:var(--good)}.bad{color:var(--bad)}
        table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
        td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
        .track{position:relative;height:1.1rem;background:var(--line);border-radius:3px;min-width:14rem}
        .fill{position:absolute;inset:0 auto 0 0;background:var(--bar);border-radius:3px;min-width:2px}
        .limit{position:absolute;top:-.2rem;bottom:-.2rem;width:2px;background:var(--bad)}
        @media print{body{margin:0;max-width:none}.track,.fill,.limit{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
        """;

    /// <summary>The page.</summary>
    public static string Render(DrillReport report)
    {
        var html = new StringBuilder();
        html.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
        html.Append(CultureInfo.InvariantCulture, $"<title>Recovery drill {Text(report.Service)} {Text(report.Id)}</title><style>{Style}</style></head><body>\n");
        html.Append(CultureInfo.InvariantCulture, $"<h1>Recovery drill: {Text(report.Service)}</h1><p class=\"soft\">{report.Requested.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC on {Text(report.Host)}, target {Text(report.Target)}, backup {Text(report.Backup ?? "none")}</p>\n");
        html.Append(CultureInfo.InvariantCulture, $"<p class=\"verdict {(report.Passed ? "good" : "bad")}\">{(report.Passed ? "Passed" : "Failed")}</p>\n");
        AppendFailures(html, report);
        html.Append("<h2>Objectives</h2><table>\n");
        AppendObjective(html, "RTO", "request to accepting connections", report.RtoSeconds, report.RtoObjectiveSeconds);
        AppendObjective(html, "RPO", report.RpoBasis ?? "not measured", report.RpoSeconds, report.RpoObjectiveSeconds);
        html.Append("</table>\n<h2>Phases</h2><table>\n");
        var longest = report.Phases.Count == 0 ? 1 : Math.Max(report.Phases.Max(p => p.Seconds), 0.001);
        foreach (var phase in report.Phases)
        {
            html.Append(CultureInfo.InvariantCulture, $"<tr><th>{Text(phase.Name)}</th><td>{Bar(phase.Seconds / longest, null)}</td><td class=\"n\">{phase.Seconds:0.00} s</td></tr>\n");
        }

        html.Append("</table>\n");
        AppendDamage(html, report);
        html.Append("<h2>Checks</h2><table>\n");
        foreach (var check in report.Checks)
        {
            html.Append(CultureInfo.InvariantCulture, $"<tr><td class=\"{(check.Passed ? "good\">pass" : "bad\">fail")}</td><th>{Text(check.Name)}</th><td>{Text(check.Detail)}</td></tr>\n");
        }

        html.Append("</table>\n<h2>Facts</h2><table>\n");
        AppendFact(html, "Last recovered commit", report.LastRecoveredCommit is { } commit ? commit.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.ffffff 'UTC'", CultureInfo.InvariantCulture) : "none was replayed");
        AppendFact(html, "Restored", $"{report.RestoredBytes.ToString("N0", CultureInfo.InvariantCulture)} bytes of files from {report.FetchedBytes.ToString("N0", CultureInfo.InvariantCulture)} stored bytes");
        AppendFact(html, "WAL", $"{report.WalSegments} segments");
        html.Append("</table>\n</body></html>\n");
        return html.ToString();
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

    static void AppendFailures(StringBuilder html, DrillReport report)
    {
        if (report.Failures.Count == 0)
        {
            return;
        }

        html.Append("<ul>");
        foreach (var failure in report.Failures)
        {
            html.Append(CultureInfo.InvariantCulture, $"<li class=\"bad\">{Text(failure)}</li>");
        }

        html.Append("</ul>\n");
    }

    // The bar's full width is the larger of figure and objective; the line marks the objective.
    static void AppendObjective(StringBuilder html, string name, string meaning, double? measured, double objective)
    {
        var width = Math.Max(Math.Max(measured ?? 0, objective) * 1.05, 0.001);
        var met = measured <= objective;
        html.Append(CultureInfo.InvariantCulture, $"<tr><th>{name}</th><td>{Bar((measured ?? 0) / width, objective / width)}<span class=\"soft\">{Text(meaning)}</span></td>");
        html.Append(CultureInfo.InvariantCulture, $"<td class=\"n {(met ? "good" : "bad")}\">{(measured is { } value ? string.Create(CultureInfo.InvariantCulture, $"{value:0.0} s") : "unknown")}</td><td class=\"n soft\">of {objective:0} s</td></tr>\n");
    }

    static void AppendFact(StringBuilder html, string name, string value) =>
        html.Append(CultureInfo.InvariantCulture, $"<tr><th>{name}</th><td>{Text(value)}</td></tr>\n");

    static string Bar(double share, double? limit)
    {
        var mark = limit is { } at ? string.Create(CultureInfo.InvariantCulture, $"<div class=\"limit\" style=\"left:{at:P2}\"></div>") : "";
        return string.Create(CultureInfo.InvariantCulture, $"<div class=\"track\"><div class=\"fill\" style=\"width:{share * 100:0.00}%\"></div>{mark}</div>").Replace(" %", "%", StringComparison.Ordinal);
    }

    static string Text(string value) => WebUtility.HtmlEncode(value);
}
