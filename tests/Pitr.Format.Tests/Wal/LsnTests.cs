using FsCheck.Fluent;
using Pitr.Format.Wal;

namespace Pitr.Format.Tests.Wal;

public class LsnTests
{
    [Theory]
    [InlineData("0/0", 0UL)]
    [InlineData("16/B374D848", 0x16_B374D848UL)]
    [InlineData("FFFFFFFF/FFFFFFFF", ulong.MaxValue)]
    [InlineData("0/2000028", 0x2000028UL)]
    public void Text_form_is_PostgreSQLs(string text, ulong value)
    {
        Assert.Equal(new Lsn(value), Lsn.Parse(text));
        Assert.Equal(text, new Lsn(value).ToString());
    }

    [Theory]
    [InlineData("00000016/0b374d84")]
    [InlineData("a/b")]
    public void Padding_and_lower_case_are_read(string text) => Assert.True(Lsn.TryParse(text, out _));

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("/")]
    [InlineData("0/")]
    [InlineData("/0")]
    [InlineData("0/0/0")]
    [InlineData("123456789/0")]
    [InlineData("0/123456789")]
    [InlineData("0/ 1")]
    [InlineData("+1/0")]
    [InlineData("0x1/0")]
    [InlineData("g/0")]
    public void Anything_else_is_refused(string text)
    {
        Assert.False(Lsn.TryParse(text, out _));
        Assert.Contains(text, Assert.Throws<FormatException>(() => Lsn.Parse(text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_value_survives_its_text() => Gens.Holds(Gens.Lsn, lsn => Lsn.Parse(lsn.ToString()) == lsn);

    [Fact]
    public void Arithmetic_never_wraps()
    {
        Assert.Equal(0x10UL, new Lsn(0x20) - new Lsn(0x10));
        Assert.Equal(new Lsn(0x20), new Lsn(0x10) + 0x10);
        Assert.Throws<OverflowException>(() => new Lsn(1) - new Lsn(2));
        Assert.Throws<OverflowException>(() => new Lsn(ulong.MaxValue) + 1);
        Assert.True(Lsn.Invalid.IsInvalid);
    }

    [Fact]
    public void Order_is_that_of_the_positions() =>
        Gens.Holds(Gens.Lsn.Zip(Gens.Lsn), pair =>
        {
            var (a, b) = pair;
            return (a < b) == (a.Value < b.Value) && (a >= b) == (a.Value >= b.Value) && Math.Sign(a.CompareTo(b)) == Math.Sign(a.Value.CompareTo(b.Value));
        });
}
