using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Check;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr check`: every step of a segment's way, pass or fail with the fix.</summary>
static class CheckCommand
{
    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: false);

    public static Command Create()
    {
        var command = new Command(
            "check",
            """
            Go the whole way a segment goes: configuration, keys, repository, server settings, and a real segment there and back.

            Exits 9 when a line fails.

              pitr check main
            """)
        {
            ServiceName,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed, Serilog.Events.LogEventLevel.Fatal);
        await using var service = context.OpenService(parsed.GetValue(ServiceName));
        context.Configuration.RequireSecrets();
        var text = context.Output == OutputFormat.Text;
        if (text)
        {
            Print(new CheckResult("configuration", true, context.ConfigurationPath, null));
        }

        var results = await new CheckRun(service, context.ArchiveCommands(service.Name.ToString()).Push(service.Name.ToString())).RunAsync(text ? Print : null, cancellation);
        var passed = results.All(r => r.Passed);
        if (!text)
        {
            Json.Write(new JsonObject
            {
                ["format"] = 1,
                ["service"] = service.Name.ToString(),
                ["passed"] = passed,
                ["checks"] = Json.Array(results, r => new JsonObject { ["name"] = r.Name, ["passed"] = r.Passed, ["detail"] = r.Detail, ["fix"] = r.Fix }),
            });
        }

        return passed ? ExitCodes.Success : ExitCodes.Verdict;
    }

    static void Print(CheckResult result)
    {
        AnsiConsole.MarkupLine($"{(result.Passed ? "[green]pass[/]" : "[red]FAIL[/]")}  {Markup.Escape(result.Name),-22} {Markup.Escape(result.Detail)}");
        if (result.Fix is { } fix)
        {
            AnsiConsole.MarkupLine($"      [yellow]fix:[/] {Markup.Escape(fix)}");
        }
    }
}
