using Pitr.Operations.Configuration;

namespace Pitr.Operations.Tests.Configuration;

public sealed class NearestNameTests
{
    [Theory]
    [InlineData("", "", 0)]
    [InlineData("", "abc", 3)]
    [InlineData("abc", "abc", 0)]
    [InlineData("acb", "abc", 1)]
    [InlineData("abd", "abc", 1)]
    [InlineData("ab", "abc", 1)]
    [InlineData("kitten", "sitting", 3)]
    public void Distance_counts_edits(string a, string b, int distance)
    {
        Assert.Equal(distance, NearestName.Distance(a, b));
        Assert.Equal(distance, NearestName.Distance(b, a));
    }

    [Theory]
    [InlineData("repositorys", "repositories")]
    [InlineData("Encryption", "encryption")]
    [InlineData("enc", "encryption")]
    [InlineData("xyz", null)]
    [InlineData("", null)]
    public void Only_what_is_near_is_suggested(string given, string? expected) =>
        Assert.Equal(expected, NearestName.Find(given, ["encryption", "repositories", "services"]));

    [Fact]
    public void Long_lists_are_cut()
    {
        var hint = NearestName.Hint("zzz", Enumerable.Range(100, 30).Select(i => $"name-{i}"), "names");

        Assert.EndsWith("name-119 and 10 more", hint, StringComparison.Ordinal);
        Assert.Equal("names: none", NearestName.Hint("x", [], "names"));
    }

    [Fact]
    public void A_name_of_a_megabyte_is_compared_at_no_cost() => Assert.Null(NearestName.Find(new string('x', 1 << 20), ["y" + new string('x', 1 << 20)]));
}
