using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Errors;
using Pitr.Operations.Setup;

namespace Pitr.Cli.Commands;

/// <summary>`pitr key new`: makes a key pair, for an escrow recipient or a new identity.</summary>
static class KeyNewCommand
{
    static readonly Option<string> IdentityPath = new("--identity") { Description = "Where the private key goes, mode 0600", HelpName = "FILE", Required = true };
    static readonly Option<string> RecipientPath = new("--recipient") { Description = "Where the public key goes", HelpName = "FILE", Required = true };
    static readonly Option<bool> Protect = new("--protect") { Description = "Protect the private key with the passphrase in $PITR_PASSPHRASE" };

    public static Command Create()
    {
        var command = new Command(
            "new",
            """
            Make a key pair. Needs no configuration: run it on a machine that holds no data.

              pitr key new --identity escrow.pem --recipient escrow-recipient.pem --protect
            """)
        {
            IdentityPath, RecipientPath, Protect,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult parsed)
    {
        var passphrase = parsed.GetValue(Protect)
            ? Environment.GetEnvironmentVariable("PITR_PASSPHRASE") is { Length: > 0 } given ? given : throw new RefusedInputException("--protect needs the passphrase in $PITR_PASSPHRASE", "read -rs PITR_PASSPHRASE; export PITR_PASSPHRASE")
            : null;
        var identity = Path.GetFullPath(parsed.GetValue(IdentityPath)!);
        var recipient = Path.GetFullPath(parsed.GetValue(RecipientPath)!);
        var made = KeyFiles.Create(identity, recipient, passphrase);
        if (parsed.GetValue(GlobalOptions.Output) == OutputFormat.Json)
        {
            Json.Write(new JsonObject { ["format"] = 1, ["recipient-id"] = made.Id, ["identity"] = identity, ["recipient"] = recipient });
        }
        else
        {
            Console.WriteLine($"recipient {made.Id}\n  {identity}   keep it secret and safe\n  {recipient}   may be seen by everybody; name it under encryption.recipients");
        }

        return ExitCodes.Success;
    }
}
