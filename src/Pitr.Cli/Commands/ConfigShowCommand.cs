using System.CommandLine;
using Pitr.Cli.Output;
using Pitr.Operations.Configuration;

namespace Pitr.Cli.Commands;

/// <summary>`pitr config show`: what applies after defaults and overrides, without secrets.</summary>
static class ConfigShowCommand
{
    public static Command Create()
    {
        var command = new Command(
            "show",
            """
            Show the configuration as it applies: with defaults, environment overrides, and every secret hidden.

              pitr config show
              PITR_SERVICES__MAIN__BACKUP__JOBS=4 pitr config show
            """);
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult parsed)
    {
        using var context = new CommandContext(parsed);
        Console.WriteLine(context.Output == OutputFormat.Json ? ConfigurationText.ShowJson(context.Configuration) : ConfigurationText.Show(context.Configuration));
        return ExitCodes.Success;
    }
}
