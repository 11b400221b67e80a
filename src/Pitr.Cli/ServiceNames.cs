using System.CommandLine.Completions;
using Pitr.Operations.Configuration;

namespace Pitr.Cli;

/// <summary>Offers the configured services to the shell's completion.</summary>
static class ServiceNames
{
    public static IEnumerable<CompletionItem> Complete(CompletionContext context)
    {
        try
        {
            var path = ConfigurationLoader.FindPath(context.ParseResult.GetValue(GlobalOptions.Config), Environment.GetEnvironmentVariable);
            return ConfigurationLoader.Load(path, Environment.GetEnvironmentVariable).Services.Keys.Select(name => new CompletionItem(name)).ToArray();
        }
        catch (ConfigurationException)
        {
            // Nothing to offer; the command itself will say what is wrong.
            return [];
        }
    }
}
