using Pitr.Postgres.Cluster;
using Pitr.Postgres.Dumps;

namespace Pitr.Operations.Scratch;

/// <summary>Processes of <c>pg_dump</c> and <c>pg_restore</c> that work in one directory of files: the one that was started, and those it has started.</summary>
static class StagedTools
{
    /// <summary>Their numbers.</summary>
    /// <param name="directory">Path of the directory, as it stands in their arguments.</param>
    public static IReadOnlyList<int> Find(string directory) => HostProcesses.Find(In(directory));

    /// <summary>Ends them, and waits until they have ended.</summary>
    /// <exception cref="IOException">One does not end.</exception>
    /// <inheritdoc cref="Find"/>
    public static void Kill(string directory) => HostProcesses.EndAll(In(directory));

    static Func<int, bool> In(string directory) => HostProcesses.OfProgram([PgDump.Name, PgRestore.Name], [directory, $"--file={directory}"]);
}
