using Pitr.Postgres.Cluster;

namespace Pitr.Operations.Dumps;

/// <summary>
/// A word in the environment of the tools that pitr starts for one purpose, by which another run finds those that a killed one has left: they go on with what they had read.
/// </summary>
/// <param name="word">Unlike any other on this host.</param>
sealed class ToolMark(string word)
{
    const string Variable = "TOOL_OF_PITR";

    /// <summary>Marks a tool that is about to be started, and whatever that starts.</summary>
    public void Put(IDictionary<string, string?> environment) => environment[Variable] = word;

    /// <summary>Ends every process of this user on this host that has the mark, and waits until it is gone.</summary>
    /// <returns>Their names.</returns>
    /// <exception cref="IOException">One does not end.</exception>
    public IReadOnlyList<string> EndAll() => HostProcesses.EndAll(HostProcesses.WithVariable(Variable, word));
}
