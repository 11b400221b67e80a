using Pitr.Operations.Configuration;

namespace Pitr.Operations.Tests.Configuration;

public sealed class DrillSettingsTests : ConfigurationFiles
{
    [Fact]
    public void Checks_are_read_in_their_order_and_a_query_may_have_lines()
    {
        var drill = Load(InMain("""
            drill:
              check-timeout: 30s
              row-counts: total
              checks:
                orders: { database: shop, sql: SELECT count(*) FROM orders, expect: ">= 1000" }
                orphans:
                  sql: |
                    SELECT id
                    	FROM lines
                  expect: rows = 0
            """)).PostgresService("main").Drill;

        Assert.Equal((TimeSpan.FromSeconds(30), false), (drill.CheckTimeout, drill.NamesTables));
        Assert.Equal(["orders", "orphans"], drill.Checks.Select(c => c.Name));
        Assert.Equal(("shop", "SELECT count(*) FROM orders", ">= 1000"), (drill.Checks[0].Database, drill.Checks[0].Sql, drill.Checks[0].Expect.Text));
        Assert.Equal(("postgres", "SELECT id\n\tFROM lines"), (drill.Checks[1].Database, drill.Checks[1].Sql));
        Assert.True(drill.Checks[1].Expect.IsOfRows);
    }

    [Theory]
    [InlineData("")]
    [InlineData("drill: {}")]
    [InlineData("drill: { checks: {} }")]
    public void Nothing_has_to_be_written(string lines)
    {
        var drill = Load(InMain(lines)).PostgresService("main").Drill;

        Assert.Equal((TimeSpan.FromMinutes(5), true, 0), (drill.CheckTimeout, drill.NamesTables, drill.Checks.Count));
    }

    [Fact]
    public void What_is_shown_reads_back_as_the_same_also_with_lines_in_a_query()
    {
        var shown = ConfigurationText.Show(Load(InMain("drill: { checks: { a: { sql: \"SELECT 1\\n  , 2 -- \\u00fc\", expect: rows = 1 }, b: { sql: SELECT 1, expect: \"true\" } } }")));

        Assert.Equal(shown, ConfigurationText.Show(Load(shown)));
    }

    [Fact]
    public void A_query_can_be_overridden() => Assert.Equal(
        "SELECT 2",
        Load(InMain("drill: { checks: { a-b: { sql: SELECT 1, expect: 1 } } }"), Variables(("PITR_SERVICES__MAIN__DRILL__CHECKS__A_B__SQL", "SELECT 2"))).PostgresService("main").Drill.Checks[0].Sql);

    [Theory]
    [InlineData("drill: { checks: { a: { sql: SELECT 1, expect: ¦\">= many\" } } }", "\"services.main.drill.checks.a.expect\" can not be \">= many\": \"many\" behind >= is no number")]
    [InlineData("drill: { checks: { ¦a: { sql: SELECT 1 } } }", "\"services.main.drill.checks.a\" lacks the key \"expect\"")]
    [InlineData("drill: { checks: { ¦A b: { sql: SELECT 1, expect: 1 } } }", "\"A b\" can not name a check")]
    [InlineData("drill: { checks: { a: { sql: ¦\"\", expect: 1 } } }", "\"services.main.drill.checks.a.sql\" is empty")]
    [InlineData("drill: { row-counts: ¦none }", "\"services.main.drill.row-counts\" can not be \"none\"")]
    [InlineData("drill: { ¦check: 1 }", "unknown key \"check\" in \"services.main.drill\"")]
    [InlineData("drill: { checks: ¦[] }", "\"services.main.drill.checks\" must be a mapping of keys to values, but is a list")]
    public void What_is_wrong_is_said_with_its_place(string marked, string message)
    {
        var before = marked[..marked.IndexOf('¦', StringComparison.Ordinal)];
        var problem = Assert.Single(Refused(InMain(marked.Replace("¦", "", StringComparison.Ordinal))).Problems);

        Assert.Equal((message, before.Length + 5), (problem.Message, problem.Column));
    }
}
