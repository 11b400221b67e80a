using Pitr.Operations.Files;

namespace Pitr.Operations.Tests.Files;

public class GlobTests
{
    [Theory]
    [InlineData("*.conf", "etc/nginx/a.conf", true)]
    [InlineData("*.conf", "a.conf", true)]
    [InlineData("*.conf", "a.conf/b", false)]
    [InlineData("/*.conf", "etc/a.conf", false)]
    [InlineData("/etc/*", "etc/a", true)]
    [InlineData("/etc/*", "etc/a/b", false)]
    [InlineData("/etc/**", "etc/a/b", true)]
    [InlineData("/etc/**", "etc", true)]
    [InlineData("/etc/**/ssl", "etc/ssl", true)]
    [InlineData("/etc/**/ssl", "etc/a/b/ssl", true)]
    [InlineData("/etc/**/ssl", "var/etc/ssl", false)]
    [InlineData("nginx/ssl", "etc/nginx/ssl", true)]
    [InlineData("nginx/ssl", "etc/nginx/ssl/key", false)]
    [InlineData("**/ssl/**/key", "a/ssl/b/c/key", true)]
    [InlineData("a**b", "axyzb", true)]
    [InlineData("a**b", "ax/yb", false)]
    [InlineData("?", "ä", true)]
    [InlineData("?", "\U0001F600", true)]
    [InlineData("?", "ab", false)]
    [InlineData("caf?", "caf\\xe9", true)]
    [InlineData("caf\\xe9", "caf\\xe9", true)]
    [InlineData("caf\\xe8", "caf\\xe9", false)]
    [InlineData("a\\*b", "a*b", true)]
    [InlineData("a\\*b", "axb", false)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[!a-c]x", "bx", false)]
    [InlineData("[^a-c]x", "dx", true)]
    [InlineData("[]a]", "]", true)]
    [InlineData("[a-]", "-", true)]
    [InlineData("[ä-ü]", "ö", true)]
    [InlineData("*a*b*c", "xaxbxc", true)]
    [InlineData("*a*b*c", "xaxbx", false)]
    [InlineData("line*", "line\\x0abreak", true)]
    [InlineData("/", "", true)]
    [InlineData("/", "etc", false)]
    public void Matches(string glob, string path, bool matches) => Assert.Equal(matches, Glob.Parse(glob).Matches(Glob.TextOf(path), isDirectory: false));

    [Fact]
    public void A_slash_at_its_end_means_directories()
    {
        Assert.True(Glob.Parse("cache/").Matches("var/cache", isDirectory: true));
        Assert.False(Glob.Parse("cache/").Matches("var/cache", isDirectory: false));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a//b")]
    [InlineData("../a")]
    [InlineData("/etc/.")]
    [InlineData("[a")]
    [InlineData("[z-a]")]
    [InlineData("a\\")]
    public void What_makes_no_sense_is_refused(string glob) => Assert.Throws<FormatException>(() => Glob.Parse(glob));

    [Theory]
    [InlineData("/etc/nginx", "etc/nginx/conf.d/a", true)]
    [InlineData("nginx", "etc/nginx/conf.d/a", true)]
    [InlineData("nginx/", "etc/nginx/conf.d/a", true)]
    [InlineData("/etc/nginx", "etc/nginx2", false)]
    [InlineData("/", "etc/nginx2", true)]
    public void What_lies_below_is_meant_as_well(string glob, string path, bool isMeant) => Assert.Equal(isMeant, PathSelection.Parse([glob]).Holds(path, isDirectory: false));

    [Fact]
    public void Many_stars_take_no_longer() => Assert.False(Glob.Parse(string.Concat(Enumerable.Repeat("*a", 100)) + "b").Matches(new string('a', 3000), isDirectory: false));
}
