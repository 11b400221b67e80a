using Pitr.Postgres.Dumps;

namespace Pitr.Postgres.Tests.Dumps;

/// <summary>Names are read as pg_dump reads them.</summary>
public class NamePatternTests
{
    [Theory]
    [InlineData("orders", null, "^(orders)$", null, "orders")]
    [InlineData("Public.Orders", "^(public)$", "^(orders)$", "public", "orders")]
    [InlineData("\"Order Items\"", null, "^(Order Items)$", null, "Order Items")]
    [InlineData("a.\"b.c\"", "^(a)$", "^(b\\.c)$", "a", "b.c")]
    [InlineData("\"a\"\"b\"", null, "^(a\"b)$", null, "a\"b")]
    [InlineData("\"*?\"", null, "^(\\*\\?)$", null, "*?")]
    [InlineData("ord*", null, "^(ord.*)$", null, null)]
    [InlineData("*.orders_?", "^(.*)$", "^(orders_.)$", null, null)]
    [InlineData("(a|b)", null, "^((a|b))$", null, null)]
    [InlineData("cash$", null, "^(cash\\$)$", null, "cash$")]
    [InlineData("Ä\"Ä\"", null, "^(ÄÄ)$", null, "ÄÄ")]
    [InlineData("\"two\nlines\"", null, "^(two\nlines)$", null, "two\nlines")]
    public void A_table_is_a_name_in_a_schema_or_where_the_search_path_leads(string text, string? schema, string name, string? exactSchema, string? exactName) =>
        Assert.Equal(new NamePattern(text, schema, name, exactSchema, exactName), NamePattern.ParseTable(text));

    [Theory]
    [InlineData("")]
    [InlineData(".orders")]
    [InlineData("public.")]
    [InlineData("\"orders")]
    [InlineData("\"\"")]
    [InlineData("shop.public.orders")]
    public void What_is_no_name_is_refused(string text) => Assert.Throws<FormatException>(() => NamePattern.ParseTable(text));

    [Fact]
    public void A_schema_has_no_dot_outside_of_quotes()
    {
        Assert.Equal("a.b", NamePattern.ParseSchema("\"a.b\"").ExactName);
        Assert.Throws<FormatException>(() => NamePattern.ParseSchema("a.b"));
    }
}
