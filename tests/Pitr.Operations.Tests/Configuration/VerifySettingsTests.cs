using Pitr.Operations.Configuration;

namespace Pitr.Operations.Tests.Configuration;

public sealed class VerifySettingsTests : ConfigurationFiles
{
    [Theory]
    [InlineData("", 30)]
    [InlineData("verify: {}", 30)]
    [InlineData("verify: { stale: 7d }", 7)]
    public void Stale_is_read_and_shown(string lines, int days)
    {
        var configuration = Load(InMain(lines));

        Assert.Equal(TimeSpan.FromDays(days), configuration.PostgresService("main").Verify.Stale);
        Assert.Contains($"verify:\n      stale: {days}d\n", ConfigurationText.Show(configuration), StringComparison.Ordinal);
    }

    [Fact]
    public void Stale_of_a_service_whose_backups_are_dumps_is_read_and_shown()
    {
        var configuration = Load($"{InMain("")}\n  cache: {{ kind: redis, repositories: [local], verify: {{ stale: 3d }} }}\n");
        Assert.Equal(TimeSpan.FromDays(3), configuration.DumpService("cache").Verify.Stale);
        Assert.Contains("verify:\n      stale: 3d\n", ConfigurationText.Show(configuration), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("verify: { stale: 0s }")]
    [InlineData("verify: { stale: 11000d }")]
    [InlineData("verify: { older: 7d }")]
    public void What_makes_no_sense_is_refused(string lines) =>
        Assert.Contains("verify", Assert.ThrowsAny<ConfigurationException>(() => Load(InMain(lines))).Message, StringComparison.Ordinal);
}
