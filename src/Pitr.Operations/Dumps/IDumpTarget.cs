using Pitr.Format.Catalog;
using Pitr.Operations.Errors;
using Pitr.Postgres;

namespace Pitr.Operations.Dumps;

/// <summary>What is special about bringing back dumps of one kind of service. Disposing removes what the tools were told in files.</summary>
public interface IDumpTarget : IAsyncDisposable
{
    /// <summary>Finds the tools, asks the server, and refuses what cannot come to a good end. Changes nothing.</summary>
    /// <exception cref="RefusedInputException">The selection does not fit the dump.</exception>
    /// <exception cref="ImpossiblePlanException">The server is older than the one that was dumped, or another product.</exception>
    /// <exception cref="ConflictException">What would be made is there already.</exception>
    /// <exception cref="ServerException">A tool is missing, or the server cannot be reached or refuses.</exception>
    Task<DumpRestorePlan> PlanAsync(DumpDocument entry, DumpManifest manifest, DumpSelection selection, CancellationToken cancellation);

    /// <summary>Does one step. What it made is gone again when it fails.</summary>
    /// <param name="step">The step.</param>
    /// <param name="copy">Writes the stream to where it is told; returns when all of it is written.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>What its tool said that somebody should read.</returns>
    /// <exception cref="ServerException">A tool failed.</exception>
    Task<IReadOnlyList<string>> RestoreAsync(DumpRestoreStep step, Func<Stream, Task> copy, CancellationToken cancellation);
}
