using System.CommandLine.Completions;
using Pitr.Operations.Configuration;

namespace Pitr.Cli;

/// <summary>Offers the configured repositories to the shell's completion.</summary>
static class RepositoryNames
{
    public static IEnumerable<CompletionItem> Complete(CompletionContext context) => ServiceNames.Offer(context, configuration => configuration.Repositories.Keys);
}
