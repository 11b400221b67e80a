using Pitr.Operations.Restore;
using Pitr.Operations.Services;

namespace Pitr.Cli.Commands;

/// <summary>Writes the restore_command of a restored cluster.</summary>
static class RestoreCommandLine
{
    /// <summary>Recovery goes on with the repositories it was planned with: one that is down would leave it unknown where the archive ends.</summary>
    public static string For(CommandContext context, PostgresService service, RestorePlan plan, bool standby)
    {
        var name = service.Name.ToString();
        var all = context.Configuration.PostgresService(name).Repositories;
        // A standby lives longer than an outage, and asks again: it may have them all.
        return context.ArchiveCommands(name).WithRepositories(!standby && plan.Repositories.Count < all.Count ? plan.Repositories : []).Get(name, standby);
    }
}
