using System.Globalization;
using System.Text;

namespace Pitr.Operations.Drill;

/// <summary>Draws one figure of past drills over time, beside its objective, as SVG within a page. The scale of the figure is logarithmic: seconds stand beside hours.</summary>
static class DrillTrend
{
    const double Width = 760;
    const double Height = 190;
    const double Left = 62;
    const double Right = 14;
    const double Top = 14;
    const double Bottom = 26;
    const double Cross = 4;

    static readonly (double Seconds, string Text)[] Ticks =
    [
        (0, "0"), (1, "1 s"), (10, "10 s"), (60, "1 min"), (600, "10 min"), (3600, "1 h"), (36_000, "10 h"), (345_600, "4 d"), (2_592_000, "30 d"), (31_536_000, "1 y"),
    ];

    /// <summary>Appends the drawing.</summary>
    /// <param name="html">The page.</param>
    /// <param name="name">RTO or RPO.</param>
    /// <param name="meaning">What it measures, in words.</param>
    /// <param name="drills">The drills, oldest first; at least one.</param>
    /// <param name="figure">Measured and objective, in seconds; measured is null where the drill did not get that far.</param>
    public static void Append(StringBuilder html, string name, string meaning, IReadOnlyList<DrillReport> drills, Func<DrillReport, (double? Measured, double Objective)> figure)
    {
        var highest = Math.Max(1, drills.Max(drill => Math.Max(figure(drill).Measured ?? 0, figure(drill).Objective))) * 1.3;
        var from = drills[0].Requested;
        var length = (drills[^1].Requested - from).TotalSeconds;
        var id = name.ToLowerInvariant();
        var failed = drills.Count(drill => !drill.Passed);
        html.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width:0} {Height:0}\" role=\"img\" aria-labelledby=\"{id}-title {id}-text\"><title id=\"{id}-title\">{name} of past drills</title>");
        html.Append(CultureInfo.InvariantCulture, $"<desc id=\"{id}-text\">{name}, {meaning}, of {drills.Count} drills from {DrillReportHtml.Moment(from)} to {DrillReportHtml.Moment(drills[^1].Requested)}; {failed} failed. The dashed line is the objective. The table below has the figures.</desc>\n");
        foreach (var (seconds, text) in Ticks.Where(tick => tick.Seconds <= highest))
        {
            html.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{Left:0}\" x2=\"{Width - Right:0}\" y1=\"{Y(seconds):0.0}\" y2=\"{Y(seconds):0.0}\"/><text x=\"{Left - 8:0}\" y=\"{Y(seconds) + 4:0.0}\" text-anchor=\"end\">{text}</text>\n");
        }

        html.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left:0}\" y=\"{Height - 8:0}\">{from.UtcDateTime:yyyy-MM-dd}</text><text x=\"{Width - Right:0}\" y=\"{Height - 8:0}\" text-anchor=\"end\">{drills[^1].Requested.UtcDateTime:yyyy-MM-dd}</text><text x=\"{Width / 2:0}\" y=\"{Height - 8:0}\" text-anchor=\"middle\">{name}: {meaning}</text>\n");
        AppendObjective();
        AppendLine();
        foreach (var drill in drills)
        {
            AppendDrill(drill);
        }

        html.Append("</svg>\n");

        double X(DrillReport drill) => length > 0 ? Left + ((drill.Requested - from).TotalSeconds / length * (Width - Left - Right)) : (Left + Width - Right) / 2;

        double Y(double seconds) => Height - Bottom - (Math.Log(1 + Math.Max(0, seconds)) / Math.Log(1 + highest) * (Height - Top - Bottom));

        // Over the whole width, with a step where the configuration was changed.
        void AppendObjective()
        {
            html.Append(CultureInfo.InvariantCulture, $"<path class=\"goal\" d=\"M{Left:0} {Y(figure(drills[0]).Objective):0.0}");
            foreach (var drill in drills)
            {
                html.Append(CultureInfo.InvariantCulture, $"H{X(drill):0.0}V{Y(figure(drill).Objective):0.0}");
            }

            html.Append(CultureInfo.InvariantCulture, $"H{Width - Right:0}\"/>\n");
        }

        void AppendLine()
        {
            var points = drills.Where(drill => figure(drill).Measured is not null)
                .Select(drill => string.Create(CultureInfo.InvariantCulture, $"{X(drill):0.0},{Y(figure(drill).Measured!.Value):0.0}"));
            html.Append(CultureInfo.InvariantCulture, $"<polyline class=\"trend\" points=\"{string.Join(' ', points)}\"/>\n");
        }

        void AppendDrill(DrillReport drill)
        {
            var (measured, objective) = figure(drill);
            var (x, y) = (X(drill), Y(measured ?? 0));
            var text = string.Create(CultureInfo.InvariantCulture, $"{DrillReportHtml.Moment(drill.Requested)}: {(drill.Passed ? "passed" : "failed")}, {name} {(measured is { } value ? $"{value.ToString("0.0", CultureInfo.InvariantCulture)} s" : "unknown")} of {objective:0} s");
            html.Append(drill.Passed
                ? string.Create(CultureInfo.InvariantCulture, $"<circle class=\"dot\" cx=\"{x:0.0}\" cy=\"{y:0.0}\" r=\"3.5\"><title>{text}</title></circle>\n")
                : string.Create(CultureInfo.InvariantCulture, $"<path class=\"cross\" d=\"M{x - Cross:0.0} {y - Cross:0.0}L{x + Cross:0.0} {y + Cross:0.0}M{x - Cross:0.0} {y + Cross:0.0}L{x + Cross:0.0} {y - Cross:0.0}\"><title>{text}</title></path>\n"));
        }
    }
}
