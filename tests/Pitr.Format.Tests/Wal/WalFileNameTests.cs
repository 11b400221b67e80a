using FsCheck.Fluent;
using Pitr.Format.Wal;

namespace Pitr.Format.Tests.Wal;

public class WalFileNameTests
{
    [Theory]
    [InlineData("0000000100000000000000A1", WalFileKind.Segment)]
    [InlineData("0000000100000000000000A1.partial", WalFileKind.Partial)]
    [InlineData("00000002.history", WalFileKind.History)]
    [InlineData("000000010000000000000002.00000028.backup", WalFileKind.BackupHistory)]
    public void The_four_kinds_survive_their_text(string text, WalFileKind kind)
    {
        var name = WalFileName.Parse(text);
        Assert.Equal(kind, name.Kind);
        Assert.Equal(text, name.ToString());
        Assert.Equal(kind == WalFileKind.History, name.Segment is null);
        Assert.Equal(kind == WalFileKind.BackupHistory, name.BackupOffset is not null);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00000000.history")]
    [InlineData("0000002.history")]
    [InlineData("00000002.HISTORY")]
    [InlineData("0000000a.history")]
    [InlineData("00000002.history ")]
    [InlineData("0000000100000000000000A1.part")]
    [InlineData("0000000100000000000000A1.partial2")]
    [InlineData("0000000100000000000000A1.00000028")]
    [InlineData("0000000100000000000000A1.0000028.backup")]
    [InlineData("0000000100000000000000A1.0000002g.backup")]
    [InlineData("0000000100000000000000A1-00000028.backup")]
    [InlineData("../00000001000000000000A1.partial")]
    [InlineData("0000000100000000000000A1/")]
    public void Anything_else_is_refused(string text)
    {
        Assert.False(WalFileName.TryParse(text, out _));
        Assert.Throws<FormatException>(() => WalFileName.Parse(text));
    }

    [Fact]
    public void Whatever_parses_is_written_back_the_same() =>
        Gens.Holds(
            Gens.Text("00000001", "00000000", "000000A1", "FFFFFFFF", ".", ".partial", ".history", ".backup", "0", "a"),
            text => !WalFileName.TryParse(text, out var name) || string.Equals(name.ToString(), text, StringComparison.Ordinal),
            runs: 5000);
}
