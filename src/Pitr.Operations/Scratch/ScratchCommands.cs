using Pitr.Postgres.Cluster;

namespace Pitr.Operations.Scratch;

/// <summary>
/// Commands of the configuration that work in scratch space, and everything they have started: all of them carry a variable with its directory, by which they are found again, also those that have
/// left their parents, and those that a killed drill left.
/// </summary>
static class ScratchCommands
{
    /// <summary>The variable: the directory that stands for / in the restored tree.</summary>
    public const string Variable = "DRILL_ROOT";

    /// <summary>Ends those that still run.</summary>
    /// <param name="data">The directory in their variable.</param>
    /// <exception cref="IOException">One does not end.</exception>
    public static void End(string data) => HostProcesses.EndAll(HostProcesses.WithVariable(Variable, data));
}
