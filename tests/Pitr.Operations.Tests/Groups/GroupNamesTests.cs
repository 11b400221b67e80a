using System.Text;
using Pitr.Operations.Groups;

namespace Pitr.Operations.Tests.Groups;

public sealed class GroupNamesTests
{
    const string Id = "20261121T031500Z";

    [Fact]
    public void A_name_aside_says_what_it_was_why_it_is_aside_and_since_when() => Assert.Equal("shop_before_20261121t031500z", GroupNames.Of("shop", "before", Id, 3));

    [Fact]
    public void A_long_one_is_cut_between_characters_and_stays_its_own()
    {
        var place = string.Concat(Enumerable.Repeat("王", 21));
        string[] names = [GroupNames.Of(place, "before", Id, 0), GroupNames.Of(place, "before", Id, 1), GroupNames.Of(place, "undone", Id, 0)];
        Assert.Equal(3, names.Distinct().Count());
        Assert.All(names, name => Assert.InRange(Encoding.UTF8.GetByteCount(name), 55, GroupNames.Longest));
        Assert.All(names, name => Assert.DoesNotContain('\uFFFD', name));
    }
}
