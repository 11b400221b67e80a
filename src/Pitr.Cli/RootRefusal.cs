using Pitr.Operations.Errors;

namespace Pitr.Cli;

/// <summary>
/// Some commands must run as the owner of the cluster: PostgreSQL does not start as root, and files that root makes are not readable
/// for PostgreSQL's own processes.
/// </summary>
static class RootRefusal
{
    /// <summary>Refuses to go on as root.</summary>
    /// <param name="why">What would go wrong.</param>
    /// <param name="command">The command, for the hint.</param>
    /// <param name="user">The user that the server runs as, for the hint.</param>
    public static void Require(string why, string command, string user = "postgres")
    {
        if (Environment.IsPrivilegedProcess)
        {
            throw new RefusedInputException(why, $"run it as the owner of the {(user == "postgres" ? "cluster" : "data")}: sudo -u {user} pitr {command} …");
        }
    }
}
