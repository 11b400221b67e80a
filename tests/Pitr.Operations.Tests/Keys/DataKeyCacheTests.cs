using Pitr.Format;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Operations.Archive;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Keys;

/// <summary>The key this host keeps in its state directory.</summary>
public class DataKeyCacheTests
{
    const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Fact]
    public async Task Only_the_owner_can_read_it()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.Service.SealingKeys.GetAsync(default);

        Assert.Equal(OwnerOnly, File.GetUnixFileMode(Cache(scenario)));
        Assert.Equal(OwnerOnly | UnixFileMode.UserExecute, File.GetUnixFileMode(scenario.Service.StateDirectory));
        Assert.Equal(["data-key.json", "data-key.lock"], Directory.GetFiles(scenario.Service.StateDirectory).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task One_that_others_can_read_is_refused_and_said_so()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.Service.SealingKeys.GetAsync(default);
        File.SetUnixFileMode(Cache(scenario), OwnerOnly | UnixFileMode.GroupRead);
        await using var restarted = scenario.Open();

        var error = await Assert.ThrowsAsync<ConfigurationException>(() => restarted.SealingKeys.GetAsync(default));

        Assert.Contains(Cache(scenario), error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"id\":\"zz\",\"created\":\"2026-11-21T03:00:00+00:00\",\"secret\":\"%%\",\"recipient-ids\":[]}")]
    [InlineData("{\"id\":\"00112233445566778899aabbccddeeff\",\"created\":\"2026-11-21T03:00:00+00:00\",\"secret\":\"AAAA\",\"recipient-ids\":null}")]
    public async Task One_that_cannot_be_read_is_replaced(string content)
    {
        await using var scenario = await Scenario.StartAsync();
        var first = (await scenario.Service.SealingKeys.GetAsync(default)).Id;
        File.WriteAllText(Cache(scenario), content);
        await using var restarted = scenario.Open();

        var second = (await restarted.SealingKeys.GetAsync(default)).Id;

        Assert.NotEqual(first, second);
        Assert.Equal(first, (await restarted.OpeningKeys.GetAsync(first, default)).Id);
    }

    [Theory]
    [InlineData("zz", "AAAA")]
    [InlineData(null, "AAAA")]
    [InlineData(null, "%%")]
    public async Task One_with_impossible_values_for_these_recipients_is_replaced(string? id, string secret)
    {
        await using var scenario = await Scenario.StartAsync();
        var first = (await scenario.Service.SealingKeys.GetAsync(default)).Id;
        var recipient = scenario.ReadIdentity().Recipient.Id;
        File.WriteAllText(
            Cache(scenario), $"{{\"id\":\"{id ?? first.ToString()}\",\"created\":\"2026-11-21T03:00:00+00:00\",\"secret\":\"{secret}\",\"recipient-ids\":[\"{recipient}\"]}}");
        await using var restarted = scenario.Open();

        Assert.NotEqual(first, (await restarted.SealingKeys.GetAsync(default)).Id);
        Assert.Equal(first, (await restarted.OpeningKeys.GetAsync(first, default)).Id);
    }

    static string Cache(Scenario scenario) => Path.Combine(scenario.Service.StateDirectory, "data-key.json");
}
