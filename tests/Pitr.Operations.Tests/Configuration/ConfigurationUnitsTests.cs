using FsCheck;
using FsCheck.Fluent;
using Pitr.Operations.Configuration;

namespace Pitr.Operations.Tests.Configuration;

public sealed class ConfigurationUnitsTests
{
    [Theory]
    [InlineData("200ms", 200)]
    [InlineData("30s", 30_000)]
    [InlineData("5m", 300_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("7d", 604_800_000)]
    [InlineData("0s", 0)]
    [InlineData("007s", 7_000)]
    public void Durations_mean_what_they_say(string text, long milliseconds)
    {
        Assert.True(ConfigurationUnits.TryParseDuration(text, out var duration));
        Assert.Equal(milliseconds, duration.TotalMilliseconds);
    }

    [Theory]
    [InlineData("16MiB", 16_777_216)]
    [InlineData("50MB", 50_000_000)]
    [InlineData("1kB", 1_000)]
    [InlineData("1KiB", 1_024)]
    [InlineData("1GB", 1_000_000_000)]
    [InlineData("1GiB", 1_073_741_824)]
    [InlineData("1TB", 1_000_000_000_000)]
    [InlineData("1TiB", 1_099_511_627_776)]
    [InlineData("512B", 512)]
    [InlineData("0B", 0)]
    public void Sizes_mean_what_they_say(string text, long bytes)
    {
        Assert.True(ConfigurationUnits.TryParseSize(text, out var size));
        Assert.Equal(bytes, size);
    }

    [Theory]
    [InlineData("20MB/s", 20_000_000, "20MB/s")]
    [InlineData("512KiB/s", 524_288, "512KiB/s")]
    [InlineData("1000kB/s", 1_000_000, "1MB/s")]
    [InlineData("1B/s", 1, "1B/s")]
    public void Rates_mean_what_they_say(string text, long bytesPerSecond, string shortest)
    {
        Assert.True(ConfigurationUnits.TryParseRate(text, out var rate));
        Assert.Equal(bytesPerSecond, rate);
        Assert.Equal(shortest, ConfigurationUnits.FormatRate(rate));
    }

    [Theory]
    [InlineData("20MB")]
    [InlineData("20MB/S")]
    [InlineData("20MB /s")]
    [InlineData("20MBps")]
    [InlineData("20Mbit/s")]
    [InlineData("/s")]
    [InlineData("20MB/m")]
    [InlineData("9223372036854775807MB/s")]
    public void Other_rates_are_refused(string text) => Assert.False(ConfigurationUnits.TryParseRate(text, out _));

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("m")]
    [InlineData("5 m")]
    [InlineData(" 5m")]
    [InlineData("5m ")]
    [InlineData("5m5s")]
    [InlineData("+5m")]
    [InlineData("-5m")]
    [InlineData("0x5m")]
    [InlineData("٥m")]
    [InlineData("5w")]
    [InlineData("9223372036854775807d")]
    [InlineData("99999999999999999999999s")]
    public void Other_durations_are_refused(string text) => Assert.False(ConfigurationUnits.TryParseDuration(text, out _));

    [Theory]
    [InlineData("")]
    [InlineData("16")]
    [InlineData("MiB")]
    [InlineData("16M")]
    [InlineData("16mb")]
    [InlineData("16KB")]
    [InlineData("16kiB")]
    [InlineData("1.5GiB")]
    [InlineData("9223372036854775807TiB")]
    public void Other_sizes_are_refused(string text) => Assert.False(ConfigurationUnits.TryParseSize(text, out _));

    [Fact]
    public void What_is_written_reads_back_as_the_same() => Prop.ForAll(
        Gen.Choose(0, int.MaxValue).ToArbitrary(),
        number =>
        {
            foreach (var factor in (long[])[1, 1000, 1024, 60_000, 86_400_000])
            {
                // Milliseconds as large as a time span can hold.
                var milliseconds = number % 10_000_000 * factor;
                Assert.True(ConfigurationUnits.TryParseDuration(ConfigurationUnits.Format(TimeSpan.FromMilliseconds(milliseconds)), out var duration));
                Assert.Equal(milliseconds, duration.TotalMilliseconds);
                Assert.True(ConfigurationUnits.TryParseSize(ConfigurationUnits.FormatSize(number * factor), out var bytes));
                Assert.Equal(number * factor, bytes);
            }
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(300, "5m")]
    [InlineData(90, "90s")]
    [InlineData(172_800, "2d")]
    [InlineData(0, "0s")]
    public void The_shortest_notation_is_chosen(int seconds, string text) => Assert.Equal(text, ConfigurationUnits.Format(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData(33_554_432, "32MiB")]
    [InlineData(50_000_000, "50MB")]
    [InlineData(1_023, "1023B")]
    [InlineData(1_024, "1KiB")]
    public void The_shortest_size_is_chosen(long bytes, string text) => Assert.Equal(text, ConfigurationUnits.FormatSize(bytes));
}
