using FsCheck;
using FsCheck.Fluent;
using Pitr.Postgres.Recovery;

namespace Pitr.Postgres.Tests.Recovery;

public class ConfigurationTextTests
{
    [Theory]
    [InlineData("plain", "'plain'")]
    [InlineData("", "''")]
    [InlineData("it's", "'it''s'")]
    [InlineData(@"back\slash\", @"'back\\slash\\'")]
    [InlineData("cp \"/a b/%f\" \"%p\"", "'cp \"/a b/%f\" \"%p\"'")]
    public void Quotes_as_PostgreSQL_reads(string value, string quoted) =>
        Assert.Equal(quoted, ConfigurationText.Quote(value));

    [Theory]
    [InlineData("a\nb")]
    [InlineData("a\rb")]
    [InlineData("a\0b")]
    public void Refuses_what_cannot_be_written(string value) =>
        Assert.Throws<ArgumentException>(() => ConfigurationText.Quote(value));

    [Theory]
    [InlineData("restore_command = 'x'", "restore_command", "x")]
    [InlineData("  Restore_Command 'x' # why", "restore_command", "x")]
    [InlineData("port=5433# odd", "port", "5433")]
    [InlineData("my.setting = 'it''s \\'so\\' \\\\ \\101 \\t'", "my.setting", "it's 'so' \\ A \t")]
    [InlineData("broken = 'no end", "broken", null)]
    [InlineData("# port = 1", null, null)]
    [InlineData("", null, null)]
    [InlineData("= 3", null, null)]
    public void Reads_lines_as_PostgreSQL_does(string line, string? name, string? value)
    {
        Assert.Equal(name, ConfigurationText.SettingName(line));
        Assert.Equal(value, ConfigurationText.SettingValue(line));
    }

    [Fact]
    public void Reads_back_every_value_it_writes() =>
        Prop.ForAll(
            ArbMap.Default.ArbFor<NonNull<string>>().Filter(value => value.Get.AsSpan().IndexOfAny('\n', '\r', '\0') < 0),
            value => ConfigurationText.SettingValue($"name = {ConfigurationText.Quote(value.Get)} # tail") == value.Get)
            .QuickCheckThrowOnFailure();
}
