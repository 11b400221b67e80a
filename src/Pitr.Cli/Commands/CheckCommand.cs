using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Check;
using Pitr.Operations.Dumps;
using Pitr.Operations.Services;
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
            Of a service whose backups are dumps: keys, repositories, the lease, the tools, the server, and a dump of the definitions,
            or the beginning of a dump where the tool knows no such thing, so that what the user may not read is known before.
            Of a service of kind files: keys, repositories, the lease, whether its paths are there, and whether all of
            the systemd journal can be read.

            Exits 9 when a line fails.

              pitr check main
              pitr check shop
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
        await using var service = context.OpenAnyService(parsed.GetValue(ServiceName));
        context.Configuration.RequireSecrets();
        var text = context.Output == OutputFormat.Text;
        if (text)
        {
            Print(new CheckResult("configuration", true, context.ConfigurationPath, null));
        }

        var results = await RunAsync(context, service, text ? Print : null, cancellation);
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

    static async Task<IReadOnlyList<CheckResult>> RunAsync(CommandContext context, OpenedService service, Action<CheckResult>? onResult, CancellationToken cancellation)
    {
        if (service is DumpService dumps)
        {
            await using var source = DumpKinds.Source(dumps.Settings, dumps);
            return await new DumpCheckRun(dumps, source).RunAsync(onResult, cancellation);
        }

        if (service is FilesService files)
        {
            return await new FilesCheckRun(files).RunAsync(onResult, cancellation);
        }

        var name = service.Name.ToString();
        return await new CheckRun((PostgresService)service, context.ArchiveCommands(name).Push(name)).RunAsync(onResult, cancellation);
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
