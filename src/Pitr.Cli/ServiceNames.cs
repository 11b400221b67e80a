using System.CommandLine.Completions;
using Pitr.Operations.Configuration;

namespace Pitr.Cli;

/// <summary>Offers the configured services to the shell's completion.</summary>
static class ServiceNames
{
    public static IEnumerable<CompletionItem> Complete(CompletionContext context) => Offer(context, configuration => configuration.Services.Keys);

    /// <summary>Offers names out of the configuration that the command line means.</summary>
    public static IEnumerable<CompletionItem> Offer(CompletionContext context, Func<PitrConfiguration, IEnumerable<string>> names)
    {
        try
        {
            var path = ConfigurationLoader.FindPath(context.ParseResult.GetValue(GlobalOptions.Config), Environment.GetEnvironmentVariable);
            return names(ConfigurationLoader.Load(path, Environment.GetEnvironmentVariable)).Select(name => new CompletionItem(name)).ToArray();
        }
        catch (ConfigurationException)
        {
            // Nothing to offer; the command itself will say what is wrong.
            return [];
        }
    }
}
