using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;

namespace Pitr.Cli.Commands;

/// <summary>`pitr config check`: reads the configuration and says everything that is wrong with it.</summary>
static class ConfigCheckCommand
{
    public static Command Create()
    {
        var command = new Command(
            "check",
            """
            Read the configuration and report everything that is wrong, with line and column. Exits 3 when something is.

              pitr config check
            """);
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult parsed)
    {
        using var context = new CommandContext(parsed);
        var configuration = context.Configuration;
        configuration.RequireSecrets();
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject
            {
                ["format"] = 1,
                ["configuration"] = configuration.FilePath,
                ["valid"] = true,
                ["services"] = Json.Array(configuration.Services.Keys, s => s),
                ["repositories"] = Json.Array(configuration.Repositories.Keys, r => r),
            });
        }
        else
        {
            Console.WriteLine($"{configuration.FilePath} is valid: services {string.Join(", ", configuration.Services.Keys)}; repositories {string.Join(", ", configuration.Repositories.Keys)}");
        }

        return ExitCodes.Success;
    }
}
