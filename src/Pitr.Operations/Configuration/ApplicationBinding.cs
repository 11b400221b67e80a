namespace Pitr.Operations.Configuration;

/// <summary>Reads an <c>applications</c> section.</summary>
static class ApplicationBinding
{
    public static ApplicationSettings Bind(YamlSection section)
    {
        var settings = new ApplicationSettings(
            section.OptionalCommand("stop-command"),
            section.OptionalCommand("start-command"),
            section.OptionalCommand("health-check"),
            section.Duration("timeout", ApplicationSettings.Default.Timeout, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)));
        section.Close();
        return settings;
    }
}
