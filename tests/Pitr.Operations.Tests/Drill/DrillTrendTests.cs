using System.Text.RegularExpressions;
using System.Xml.Linq;
using Pitr.Operations.Drill;

namespace Pitr.Operations.Tests.Drill;

/// <summary>The page with a history: every drawing is well-formed, within its frame, and says what it shows.</summary>
public class DrillTrendTests
{
    const string Evil = "<script src=http://x>alert(1)</script>\"'&";

    [Fact]
    public void Every_drill_is_drawn_with_its_verdict_and_figures()
    {
        var page = DrillReportHtml.Render(At(3, passed: true), [At(1, passed: true), At(2, passed: false) with { RtoSeconds = null, RpoSeconds = null }, At(3, passed: true)]);
        var (rto, rpo) = (Drawing(page, "rto"), Drawing(page, "rpo"));

        foreach (var drawing in new[] { rto, rpo })
        {
            Assert.Equal(2, drawing.Elements("circle").Count());
            Assert.Contains("failed", Assert.Single(drawing.Elements("path"), p => p.Attribute("class")!.Value == "cross").Element("title")!.Value, StringComparison.Ordinal);
            Assert.Contains("of 3 drills from 2026-11-22 03:00:00 UTC to 2026-11-24 03:00:00 UTC; 1 failed", drawing.Element("desc")!.Value, StringComparison.Ordinal);
            Assert.Equal(2, drawing.Element("polyline")!.Attribute("points")!.Value.Split(' ').Length);
            Assert.Single(drawing.Elements("path"), p => p.Attribute("class")!.Value == "goal");
        }

        Assert.Contains("passed, RTO 1000.0 s of 900 s", rto.Elements("circle").First().Element("title")!.Value, StringComparison.Ordinal);
        Assert.Contains("unknown of 300 s", Assert.Single(rpo.Elements("path"), p => p.Attribute("class")!.Value == "cross").Element("title")!.Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0.001, 1)]
    [InlineData(3e9, 3e7)]
    [InlineData(5, 3e9)]
    public void Everything_stays_within_the_frame(double measured, double objective)
    {
        DrillReport[] drills = [.. Enumerable.Range(1, 5).Select(day => At(day, passed: day != 3) with { RtoSeconds = measured * day / 5, RtoObjectiveSeconds = objective })];
        foreach (var history in new[] { drills, [drills[0]], [drills[0], drills[0] with { Id = "other" }] })
        {
            var page = DrillReportHtml.Render(drills[0], history);
            Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
            var drawing = Drawing(page, "rto");
            foreach (var point in drawing.Elements("circle"))
            {
                Assert.InRange((double)point.Attribute("cx")!, 0, 760);
                Assert.InRange((double)point.Attribute("cy")!, 0, 190);
            }

            Assert.All(drawing.Elements("line"), line => Assert.InRange((double)line.Attribute("y1")!, 0, 190));
        }
    }

    [Fact]
    public void Only_the_newest_hundred_are_drawn_and_every_drill_once()
    {
        DrillReport[] drills = [.. Enumerable.Range(1, 300).Select(day => At(day, passed: true))];
        var page = DrillReportHtml.Render(drills[^1], drills);

        Assert.Equal(DrillReportHtml.TrendLength, Drawing(page, "rto").Elements("circle").Count());
        Assert.Equal(20, Regex.Count(page, "<td class=\"good\">passed</td>", RegexOptions.None, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void Names_from_the_cluster_and_from_other_drills_are_text_and_nothing_is_fetched()
    {
        var evil = At(1, passed: false) with
        {
            Id = Evil,
            Host = Evil,
            Target = Evil,
            Backup = Evil,
            Failures = [Evil],
            Warnings = [Evil],
            RpoBasis = Evil,
            Checks = [new DrillCheck(Evil, false, Evil) { Sql = Evil, Expected = Evil, Result = Evil }],
            RowCounts = new RowCounts(1, 1, Evil, [new TableRows(Evil, Evil, 0, 5)]),
        };
        var page = DrillReportHtml.Render(evil, [evil with { Id = "other" + Evil }]);

        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("\"'&", page, StringComparison.Ordinal);
        foreach (var tag in Regex.Matches(page, "<[a-z][^>]*>", RegexOptions.None, TimeSpan.FromSeconds(1)).Select(m => m.Value))
        {
            Assert.DoesNotMatch("http|src *=|href|\\son[a-z]+ *=|url\\(", tag);
        }

        Assert.DoesNotContain("url(", page, StringComparison.Ordinal);
        Assert.DoesNotContain("@import", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_show_their_change_and_queries_what_they_asked()
    {
        var page = DrillReportHtml.Render(At(2, passed: true) with
        {
            Warnings = ["table public.events of database shop is empty; it had 9 rows in drill x"],
            Checks = [new DrillCheck("sql orders", true, "120, as expected (>= 100)") { Sql = "SELECT count(*) FROM orders", Seconds = 1.25 }],
            RowCounts = new RowCounts(2, 120, "20261120T030000Z-0001", [new TableRows("shop", "public.orders", 1200, 1000), new TableRows("shop", "public.events", 0, 9), new TableRows("shop", "public.fresh", 3)]),
        });

        foreach (var shown in new[] { "<code>SELECT count(*) FROM orders</code>", "1.25 s", "+200", "<td class=\"n warn\">-9</td>", "beside those of drill 20261120T030000Z-0001", "class=\"warn\">table public.events" })
        {
            Assert.Contains(shown, page, StringComparison.Ordinal);
        }
    }

    static DrillReport At(int day, bool passed) => DrillReportTests.Sample with
    {
        Id = $"day-{day}",
        Requested = Scenario.Start.AddDays(day),
        Verdict = passed ? "passed" : "failed",
    };

    static XElement Drawing(string page, string name)
    {
        var drawings = Regex.Matches(page, "<svg.*?</svg>", RegexOptions.Singleline, TimeSpan.FromSeconds(1)).Select(m => XElement.Parse(m.Value));
        return Assert.Single(drawings, drawing => drawing.Attribute("aria-labelledby")!.Value == $"{name}-title {name}-text");
    }
}
