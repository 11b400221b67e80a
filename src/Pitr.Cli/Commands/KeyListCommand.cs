using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Keys;
using Pitr.Operations.Services;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr key list`: the data keys of every repository and who can open them.</summary>
static class KeyListCommand
{
    public static Command Create()
    {
        var command = new Command(
            "list",
            """
            List the data keys of each repository, with the recipients that can open them. Needs no identity.

              pitr key list
            """);
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        var repositories = new JsonArray();
        foreach (var settings in context.Configuration.Repositories.Values)
        {
            await using var store = RepositoryOpener.Open(settings, CommandContext.Clock, context.Log);
            var keys = await new KeyAdministration(store).ListAsync(cancellation);
            repositories.Add((JsonNode)new JsonObject
            {
                ["repository"] = settings.Name,
                ["keys"] = Json.Array(keys, k => new JsonObject
                {
                    ["id"] = k.Document.Id.ToString(),
                    ["object"] = k.Key,
                    ["created"] = Json.Moment(k.Document.Created),
                    ["recipients"] = Json.Array(k.Document.RecipientIds, r => r),
                }),
            });
            if (context.Output == OutputFormat.Text)
            {
                Print(settings.Name, keys);
            }
        }

        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject { ["format"] = 1, ["repositories"] = repositories });
        }

        return ExitCodes.Success;
    }

    static void Print(string repository, IReadOnlyList<(string Key, Pitr.Format.Keys.KeyDocument Document)> keys)
    {
        AnsiConsole.MarkupLine($"repository [bold]{Markup.Escape(repository)}[/]");
        var table = new Table().Border(TableBorder.Simple).AddColumns("data key", "created", "copies", "recipients");
        foreach (var copies in keys.GroupBy(k => k.Document.Id).OrderBy(g => g.First().Document.Created))
        {
            var first = copies.First().Document;
            table.AddRow(copies.Key.ToString(), Texts.Moment(first.Created), $"{copies.Count()}", string.Join("\n", first.RecipientIds));
        }

        AnsiConsole.Write(table);
    }
}
