using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Services;

namespace Pitr.Cli.Commands;

/// <summary>`pitr repo init`: makes a repository of a place that was added to the configuration.</summary>
static class RepoInitCommand
{
    static readonly Argument<string> Name = new("NAME") { Description = "Repository as the configuration names it" };

    public static Command Create()
    {
        Name.CompletionSources.Add(RepositoryNames.Complete);
        var command = new Command(
            "init",
            """
            Make a repository of the place that the configuration names. What is a repository already is left as it is.

              pitr repo init offsite
            """)
        {
            Name,
        };
        command.SetAction(Audited.ActionOnRepository("repo-init", Name, RunAsync));
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, AuditNotes notes, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        var settings = context.Configuration.Repository(parsed.GetValue(Name)!);
        await using var store = RepositoryOpener.Open(settings, CommandContext.Clock, context.Log);
        var (document, isNew) = await RepositorySet.InitialiseAsync(store, CommandContext.Clock, cancellation);
        notes.Subject = settings.Url;
        notes.ChangedNothing = !isNew;
        var remark = store.Capabilities.Remark;
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject
            {
                ["format"] = 1,
                ["repository"] = settings.Name,
                ["url"] = settings.Url,
                ["made"] = isNew,
                ["id"] = document.RepositoryId,
                ["created"] = Json.Moment(document.Created),
                ["remark"] = remark,
            });
        }
        else
        {
            Console.WriteLine(isNew
                ? $"{settings.Url} is now repository {settings.Name} (id {document.RepositoryId})."
                : $"{settings.Url} has been a repository since {Texts.Moment(document.Created)} (id {document.RepositoryId}); nothing was changed.");
            if (remark is not null)
            {
                Console.WriteLine($"Note: {remark}.");
            }
        }

        return ExitCodes.Success;
    }
}
