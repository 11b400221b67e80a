using Pitr.Operations.Configuration;

namespace Pitr.Operations.Tests.Configuration;

/// <summary>The order of the services of a group, and the commands around it.</summary>
public sealed class ServiceOrderTests : ConfigurationFiles
{
    const string Start = """
        repositories: { local: { url: file:///r } }
        encryption: { recipients: [/a.pem] }
        services:

        """;

    static string Service(string name, string more = "") => $"  {name}: {{ kind: redis, repositories: [local]{more} }}\n";

    [Fact]
    public void A_service_stands_behind_those_it_comes_after_and_otherwise_where_the_file_has_it()
    {
        var configuration = Load(Start + Service("uploads", ", after: [shop, cache]") + Service("zeta") + Service("shop", ", after: [db]") + Service("cache") + Service("db"));
        Assert.Equal(["zeta", "cache", "db", "shop", "uploads"], ServiceOrder.Of(configuration.Services));
    }

    [Theory]
    [InlineData(", after: [dbb]", "services.shop.after", "names \"dbb\", which is no service here")]
    [InlineData(", after: [shop]", "services.shop.after", "makes a circle: shop after shop")]
    public void What_cannot_be_ordered_is_a_problem_of_the_configuration(string after, params string[] said)
    {
        var error = Assert.Throws<ConfigurationException>(() => Load(Start + Service("shop", after) + Service("db")));
        Assert.All(said, text => Assert.Contains(text, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_circle_is_named_as_it_goes()
    {
        var error = Assert.Throws<ConfigurationException>(() => Load(Start + Service("a", ", after: [b]") + Service("b", ", after: [c]") + Service("c", ", after: [b]")));
        Assert.Contains("b after c after b", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_command_is_a_text_for_the_shell_or_words_for_none()
    {
        var applications = Load(Start + Service("shop") + "applications: { stop-command: systemctl stop a && true, start-command: [/bin/run, two words, a, a], timeout: 5m }\n").Applications;
        Assert.Equal((true, "systemctl stop a && true"), (applications.StopCommand!.IsShell, applications.StopCommand.Words[0]));
        Assert.False(applications.StartCommand!.IsShell);
        Assert.Equal(["/bin/run", "two words", "a", "a"], applications.StartCommand.Words);
        Assert.Null(applications.HealthCheck);
        Assert.Equal(TimeSpan.FromMinutes(5), applications.Timeout);
        Assert.Contains("is no list of words", Assert.Throws<ConfigurationException>(() => Load(Start + Service("shop") + "applications: { stop-command: [] }\n")).Message, StringComparison.Ordinal);
    }
}
