using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Keys;
using Pitr.Operations.Services;

namespace Pitr.Cli.Commands;

/// <summary>`pitr key add-recipient`: lets one more identity open what is already stored.</summary>
static class KeyAddRecipientCommand
{
    static readonly Argument<string> RecipientPath = new("FILE") { Description = "Public key of the new recipient (PEM)" };

    public static Command Create()
    {
        var command = new Command(
            "add-recipient",
            """
            Wrap every data key that exists to one more recipient. Rewrites the small key documents only, never data.

            Also name the file under encryption.recipients, so that keys made from now on are wrapped to it too.

              pitr key add-recipient /etc/pitr/escrow-recipient.pem
            """)
        {
            RecipientPath,
        };
        command.SetAction(Audited.ActionOnAll("key-add-recipient", service: null, RunAsync));
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, AuditNotes notes, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        var recipient = RecipientFiles.LoadOne(parsed.GetValue(RecipientPath)!);
        notes.Subject = recipient.Id;
        using var identity = IdentityFile.Load(context.Configuration.Encryption, CommandContext.AskPassphrase);
        await notes.BeginAsync(cancellation);
        var rewritten = new JsonObject();
        foreach (var settings in context.Configuration.Repositories.Values)
        {
            await using var store = RepositoryOpener.Open(settings, CommandContext.Clock, context.Log);
            rewritten[settings.Name] = await new KeyAdministration(store).AddRecipientAsync(identity, recipient, cancellation);
        }

        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject { ["format"] = 1, ["recipient-id"] = recipient.Id, ["documents-rewritten"] = rewritten });
            return ExitCodes.Success;
        }

        foreach (var (repository, count) in rewritten)
        {
            Console.WriteLine($"repository {repository}: {count} key document(s) now open for recipient {recipient.Id}");
        }

        if (!RecipientFiles.Load(context.Configuration.Encryption).Any(r => r.Id == recipient.Id))
        {
            Console.WriteLine($"Not in the configuration yet: add {parsed.GetValue(RecipientPath)} to encryption.recipients, or keys made from now on will not open for it.");
        }

        return ExitCodes.Success;
    }
}
