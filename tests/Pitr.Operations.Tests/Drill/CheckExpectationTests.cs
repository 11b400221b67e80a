using Pitr.Operations.Drill;

namespace Pitr.Operations.Tests.Drill;

public class CheckExpectationTests
{
    [Theory]
    [InlineData("true", "true", true)]
    [InlineData("true", "t", false)]
    [InlineData("42", "42", true)]
    [InlineData("42", "42.0", false)] // text, as the query gives it
    [InlineData("= 42", "42", true)]
    [InlineData("=42", "42", true)]
    [InlineData("= >= 5", ">= 5", true)]
    [InlineData("!= 42", "43", true)]
    [InlineData("!= 42", "42", false)]
    [InlineData("a text, with words", "a text, with words", true)]
    [InlineData("rows", "rows", true)]
    [InlineData("rows of it", "rows of it", true)]
    [InlineData(">= 1000", "1000", true)]
    [InlineData(">= 1000", "999", false)]
    [InlineData(">= 1000", "1e3", true)]
    [InlineData("> 0.5", "0.51", true)]
    [InlineData("<= -3", "-3.0", true)]
    [InlineData("< 18446744073709551616", "18446744073709551615", true)]
    [InlineData("is null", null, true)]
    [InlineData("IS NULL", null, true)]
    [InlineData("is null", "", false)]
    [InlineData("is not null", "", true)]
    [InlineData("is not null", null, false)]
    [InlineData("NULL", null, false)] // a text that nobody wrote is not equal to any
    [InlineData("!= 42", null, false)]
    [InlineData(">= 0", null, false)]
    public void A_value_is_held_against_it(string expected, string? result, bool matches) =>
        Assert.Equal(matches, CheckExpectation.Parse(expected).Matches(result));

    [Theory]
    [InlineData("rows = 0", 0, true)]
    [InlineData("rows=0", 1, false)]
    [InlineData("rows >= 3", 3, true)]
    [InlineData("rows < 3", 3, false)]
    [InlineData("rows != 0", 0, false)]
    public void The_number_of_rows_is_held_against_it(string expected, long rows, bool matches)
    {
        var expectation = CheckExpectation.Parse(expected);

        Assert.True(expectation.IsOfRows);
        Assert.Equal(matches, expectation.Matches(rows));
    }

    [Theory]
    [InlineData(">= many", "\"many\" behind >= is no number")]
    [InlineData("rows = none", "\"none\" behind = is no number")]
    [InlineData("<", "\"\" behind < is no number")]
    [InlineData("  ", "it is empty")]
    public void What_cannot_be_compared_is_refused_before_the_drill(string expected, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => CheckExpectation.Parse(expected)).Message);

    [Fact]
    public void A_result_that_is_no_number_is_said() =>
        Assert.Contains("\"2026-11-21\" is no number", Assert.Throws<FormatException>(() => CheckExpectation.Parse("> 5").Matches("2026-11-21")).Message, StringComparison.Ordinal);
}
