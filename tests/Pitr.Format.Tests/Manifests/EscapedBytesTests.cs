using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Pitr.Format.Manifests;

namespace Pitr.Format.Tests.Manifests;

public class EscapedBytesTests
{
    [Theory]
    [InlineData("plain.txt", "plain.txt")]
    [InlineData("grüße 你好 \U0001F600", "grüße 你好 \U0001F600")]
    [InlineData("new\nline", "new\\x0aline")]
    [InlineData("back\\slash", "back\\x5cslash")]
    [InlineData("c1\u0085", "c1\\xc2\\x85")]
    [InlineData("del\u007f", "del\\x7f")]
    public void Text_stays_text(string name, string text)
    {
        Assert.Equal(text, EscapedBytes.ToText(Encoding.UTF8.GetBytes(name)));
        Assert.Equal(Encoding.UTF8.GetBytes(name), EscapedBytes.ToBytes(text));
    }

    [Fact]
    public void Bytes_that_are_no_text_come_back_byte_for_byte()
    {
        byte[] latin = [(byte)'c', (byte)'a', (byte)'f', 0xE9];
        Assert.Equal("caf\\xe9", EscapedBytes.ToText(latin));
        Assert.Equal(latin, EscapedBytes.ToBytes("caf\\xe9"));
    }

    [Fact]
    public void Every_name_has_one_text_that_a_manifest_takes() => Gens.Holds(Gen.Choose(1, 255).Select(i => (byte)i).ArrayOf().Where(b => b.Length > 0), name =>
    {
        var text = EscapedBytes.ToText(name);
        Assert.Equal(name, EscapedBytes.ToBytes(text));
        Assert.True(name.Contains((byte)'/') || text is "." or ".." || ManifestPath.IsValid(text), text);
    });

    [Theory]
    [InlineData("\\x2e\\x2e")]
    [InlineData("a\\x2fb")]
    [InlineData("\\x00")]
    [InlineData("\0")]
    [InlineData("\\x0A")]
    [InlineData("\\x41")]
    [InlineData("\\xc3\\xa4")]
    [InlineData("\\x")]
    [InlineData("\\n")]
    [InlineData("a\\")]
    [InlineData("raw\nline")]
    public void A_second_way_to_write_a_name_is_refused(string text) => Assert.Throws<DamagedObjectException>(() => EscapedBytes.ToBytes(text));
}
