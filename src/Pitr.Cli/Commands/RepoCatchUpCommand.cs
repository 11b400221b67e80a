using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Services;

namespace Pitr.Cli.Commands;

/// <summary>`pitr repo catch-up`: gives repositories what they are owed, as the agent does by itself.</summary>
static class RepoCatchUpCommand
{
    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: false);
    static readonly Option<bool> DryRun = new("--dry-run") { Description = "Show what is owed and do nothing" };

    public static Command Create()
    {
        var command = new Command(
            "catch-up",
            """
            Give repositories what they are owed: objects that were acknowledged while they could not be reached (`required: N`).

            A running agent does this by itself. Exits 4 when something is owed still. This host's debts only; `pitr repo copy` compares
            whole repositories.

              pitr repo catch-up
              pitr repo catch-up main --dry-run
            """)
        {
            ServiceName, DryRun,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        var names = parsed.GetValue(ServiceName) is { } one ? [one] : context.Configuration.Services.Keys.ToArray();
        var left = 0;
        var services = new JsonArray();
        foreach (var name in names)
        {
            await using var service = context.OpenAnyService(name);
            using var catchUp = new CatchUp(service);
            var results = parsed.GetValue(DryRun) ? Owed(service) : await catchUp.RunAsync(cancellation);
            left += results.Sum(r => r.Left);
            services.Add((JsonNode)new JsonObject { ["service"] = name, ["repositories"] = Json.Array(results, ToJson) });
            if (context.Output == OutputFormat.Text)
            {
                Print(name, results);
            }
        }

        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject { ["format"] = 1, ["services"] = services });
        }

        return left == 0 || parsed.GetValue(DryRun) ? ExitCodes.Success : ExitCodes.Repository;
    }

    static CatchUpResult[] Owed(OpenedService service) =>
        [.. service.Repositories.Debts.Creditors().Select(name => new CatchUpResult(name, 0, service.Repositories.Debts.Owed(name).Count(), null))];

    static void Print(string service, IReadOnlyList<CatchUpResult> results)
    {
        foreach (var result in results)
        {
            Console.WriteLine($"{service}: repository {result.Repository}: {result.Paid} objects given, {result.Left} owed{(result.Reason is { } reason ? $": {reason}" : "")}");
        }

        if (results.Count == 0)
        {
            Console.WriteLine($"{service}: nothing is owed");
        }
    }

    static JsonObject ToJson(CatchUpResult result) => new()
    {
        ["repository"] = result.Repository,
        ["paid"] = result.Paid,
        ["owed"] = result.Left,
        ["reason"] = result.Reason,
    };
}
