using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Pitr.Operations.Drill;

namespace Pitr.Operations.Tests.Drill;

public class DrillReportTests
{
    internal static readonly DrillReport Sample = new()
    {
        Id = "20261121T030000Z",
        Service = "main",
        Host = "db1",
        Requested = Scenario.Start,
        Target = "time 2026-11-21 02:59:00+00",
        Backup = "20261120T030000Z",
        Verdict = "failed",
        Failures = ["RTO 1000.0 s misses the objective of 900 s"],
        RtoSeconds = 1000,
        RtoObjectiveSeconds = 900,
        RpoSeconds = 1.5,
        RpoObjectiveSeconds = 300,
        RpoBasis = "from the last recovered commit to the target",
        LastRecoveredCommit = Scenario.Start.AddMicroseconds(-1_500_001),
        RestoredBytes = 123_456_789,
        FetchedBytes = 23_456_789,
        WalSegments = 42,
        Phases = [new DrillPhase("plan", 0.25), new DrillPhase("fetch", 600), new DrillPhase("replay", 390)],
        Checks = [new DrillCheck("server answers", true, "PostgreSQL 15.18"), new DrillCheck("page checksums", false, "3 bad pages")],
    };

    [Fact]
    public void It_comes_back_from_json()
    {
        var read = DrillReport.Parse(Sample.ToJson());

        Assert.Equal(JsonSerializer.Serialize(Sample), JsonSerializer.Serialize(read));
        Assert.False(read.Passed);
        Assert.Equal(Sample.LastRecoveredCommit, read.LastRecoveredCommit);
    }

    [Fact]
    public void Its_json_has_documented_names_and_keeps_what_is_unknown_null()
    {
        var unknown = Sample with { RtoSeconds = null, RpoSeconds = null, Backup = null };
        using var json = JsonDocument.Parse(unknown.ToJson());

        Assert.Equal(1, json.RootElement.GetProperty("format").GetInt32());
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("rto-seconds").ValueKind);
        Assert.Equal("plan", json.RootElement.GetProperty("phases")[0].GetProperty("name").GetString());
        Assert.False(json.RootElement.TryGetProperty("passed", out _));
        Assert.Null(DrillReport.Parse(unknown.ToJson()).RpoSeconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"format": 2}""")]
    public void What_is_no_report_is_refused(string text)
    {
        Assert.Throws<JsonException>(() => DrillReport.Parse(System.Text.Encoding.UTF8.GetBytes(text)));
    }

    [Theory]
    [InlineData("\"host\": \"db1\"", "\"host\": null")]
    [InlineData("\"verdict\": \"failed\"", "\"verdict\": null")]
    [InlineData("\"rto-seconds\": 1000", "\"rto-seconds\": 1e300")]
    [InlineData("\"rto-seconds\": 1000", "\"rto-seconds\": -1")]
    [InlineData("\"name\": \"plan\"", "\"name\": null")]
    [InlineData("\"warnings\": []", "\"warnings\": [null]")]
    [InlineData("\"row-counts\": null", "\"row-counts\": {\"tables\": 1, \"rows\": 1, \"compared-with\": null, \"largest\": [null]}")]
    [InlineData("\"row-counts\": null", "\"row-counts\": {\"tables\": 1, \"rows\": 1, \"compared-with\": null, \"largest\": [{\"database\": \"x\"}]}")]
    public void What_no_drill_could_have_written_is_refused(string part, string instead)
    {
        var json = System.Text.Encoding.UTF8.GetString(Sample.ToJson());
        Assert.Contains(part, json, StringComparison.Ordinal);

        Assert.Throws<JsonException>(() => DrillReport.Parse(System.Text.Encoding.UTF8.GetBytes(json.Replace(part, instead, StringComparison.Ordinal))));
    }

    [Fact]
    public void A_report_of_an_earlier_version_is_read()
    {
        var json = System.Text.Json.Nodes.JsonNode.Parse(Sample.ToJson())!.AsObject();
        foreach (var name in new[] { "warnings", "row-counts", "random-seed", "damage", "damaged-pages" })
        {
            json.Remove(name);
        }

        var read = DrillReport.Parse(System.Text.Encoding.UTF8.GetBytes(json.ToJsonString()));
        Assert.Equal((Sample.Id, null, null, 0), (read.Id, read.RowCounts, read.RandomSeed, read.Warnings.Count));
    }

    [Fact]
    public void The_page_needs_nothing_from_elsewhere()
    {
        var page = DrillReportHtml.Render(Sample);

        Assert.StartsWith("<!doctype html>", page, StringComparison.Ordinal);
        foreach (var outside in new[] { "http:", "https:", "//", "src=", "href=", "@import", "url(", "<script", "<link", "<iframe", "<img" })
        {
            Assert.DoesNotContain(outside, page, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public void The_page_shows_verdict_figures_and_objectives()
    {
        var page = DrillReportHtml.Render(Sample);

        foreach (var shown in new[] { "Failed", "1000.0 s", "of 900 s", "1.5 s", "of 300 s", "600.00 s", "3 bad pages", "123,456,789", "02:59:58.499999 UTC", "42 segments" })
        {
            Assert.Contains(shown, page, StringComparison.Ordinal);
        }

        var passed = DrillReportHtml.Render(Sample with { Verdict = "passed", Failures = [] });
        Assert.Contains(">Passed<", passed, StringComparison.Ordinal);
        Assert.DoesNotContain("<ul>", passed, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_not_measured_is_said_to_be_unknown()
    {
        var page = DrillReportHtml.Render(Sample with { RtoSeconds = null, RpoSeconds = null, RpoBasis = null, LastRecoveredCommit = null, Phases = [], Checks = [] });

        // Both figures, and both again in the list of drills.
        Assert.Equal(4, Regex.Count(page, ">unknown<", RegexOptions.None, TimeSpan.FromSeconds(1)));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 300)]
    [InlineData(1e9, 1)]
    [InlineData(0.001, 1e9)]
    public void Bars_and_lines_stay_within_their_track(double measured, double objective)
    {
        var page = DrillReportHtml.Render(Sample with { RpoSeconds = measured, RpoObjectiveSeconds = objective, Phases = [new DrillPhase("plan", measured)] });

        var shares = Regex.Matches(page, "style=\"(?:width|left):([^%\"]*)%\"", RegexOptions.None, TimeSpan.FromSeconds(1));
        Assert.NotEmpty(shares);
        Assert.All(shares, share => Assert.InRange(double.Parse(share.Groups[1].Value, CultureInfo.InvariantCulture), 0, 100));
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_it_shows_is_text()
    {
        const string Evil = "<script>alert(1)</script>\"'&";
        var page = DrillReportHtml.Render(Sample with
        {
            Service = Evil,
            Id = Evil,
            Host = Evil,
            Target = Evil,
            Backup = Evil,
            RpoBasis = Evil,
            Failures = [Evil],
            Phases = [new DrillPhase(Evil, 1)],
            Checks = [new DrillCheck(Evil, true, Evil)],
        });

        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("\"'&", page, StringComparison.Ordinal);
    }
}
