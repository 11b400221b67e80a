using System.CommandLine;

namespace Pitr.Cli.Commands;

/// <summary>`pitr repo`: the operator's hands on a repository.</summary>
static class RepoCommand
{
    public static Command Create() => new("repo", "Look into repositories, try them, copy between them, move objects by hand")
    {
        RepoInitCommand.Create(),
        RepoCatchUpCommand.Create(),
        RepoListCommand.Create(),
        RepoGetCommand.Create(),
        RepoPutCommand.Create(),
        RepoRemoveCommand.Create(),
        RepoStatsCommand.Create(),
        RepoAuditCommand.Create(),
        RepoCollectCommand.Create(),
        RepoValidateCommand.Create(),
        RepoCopyCommand.Create(),
    };
}
