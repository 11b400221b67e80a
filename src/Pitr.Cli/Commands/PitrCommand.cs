using System.CommandLine;

namespace Pitr.Cli.Commands;

/// <summary>The command `pitr` and everything below it.</summary>
static class PitrCommand
{
    public static RootCommand Create()
    {
        var root = new RootCommand(
            """
            Point-in-time recovery for PostgreSQL: archives WAL, takes base backups, restores any moment, and proves that it can.

            First steps:
              pitr init --service main --data-directory /var/lib/postgresql/15/main --repository file:///var/lib/pitr/repository
              pitr agent &                  keeps archiving fast; see docs/operations.md for the systemd unit
              pitr check main               goes the whole way a segment goes
              pitr backup main              takes a base backup
              pitr restore main --to DIR --target-time '2026-11-21 03:15:00+09'
              pitr extract main --table public.orders --target-time '2026-11-21 03:15:00+09' --to orders.dump
              pitr drill main               restores for real, times it, and gives a verdict
            """);
        root.Options.Add(GlobalOptions.Config);
        root.Options.Add(GlobalOptions.Output);
        root.Options.Add(GlobalOptions.Verbose);
        root.Subcommands.Add(InitCommand.Create());
        root.Subcommands.Add(CheckCommand.Create());
        root.Subcommands.Add(AgentCommand.Create());
        root.Subcommands.Add(BackupCommand.Create());
        root.Subcommands.Add(RestoreCommand.Create());
        root.Subcommands.Add(PatroniRestoreCommand.Create());
        root.Subcommands.Add(ExtractCommand.Create());
        root.Subcommands.Add(DrillCommand.Create());
        root.Subcommands.Add(InfoCommand.Create());
        root.Subcommands.Add(VerifyCommand.Create());
        root.Subcommands.Add(ExpireCommand.Create());
        root.Subcommands.Add(PinCommand.Create());
        root.Subcommands.Add(PinCommand.CreateReverse());
        root.Subcommands.Add(AuditCommand.Create());
        root.Subcommands.Add(new Command("wal", "Push, fetch, list, search and verify archived WAL; see where it stands") { WalPushCommand.Create(), WalGetCommand.Create(), WalHelperCommand.Create(), WalListCommand.Create(), WalSearchCommand.Create(), WalStatusCommand.Create(), WalVerifyCommand.Create() });
        root.Subcommands.Add(RepoCommand.Create());
        root.Subcommands.Add(new Command("key", "Make key pairs, look at the repository's data keys, add recipients") { KeyNewCommand.Create(), KeyListCommand.Create(), KeyAddRecipientCommand.Create() });
        root.Subcommands.Add(new Command("config", "Show and check the configuration") { ConfigShowCommand.Create(), ConfigCheckCommand.Create() });
        root.Subcommands.Add(CompletionCommand.Create());
        return root;
    }
}
