using Pitr.Postgres;
using Pitr.Postgres.Programs;

namespace Pitr.Operations.Dumps;

/// <summary>What is special about taking dumps of one kind of service. Disposing removes what the tools were told in files.</summary>
public interface IDumpSource : IAsyncDisposable
{
    /// <summary>Finds the tools and asks the server what there is.</summary>
    /// <exception cref="ServerException">A tool is missing, or the server cannot be reached or refuses; with the next step.</exception>
    Task<DumpPlan> PlanAsync(CancellationToken cancellation);

    /// <summary>Has a stream begun.</summary>
    /// <exception cref="ServerException">Its tool cannot be started, or the server refuses.</exception>
    Task<IDumpFeed> StartAsync(PlannedStream stream, CancellationToken cancellation);

    /// <summary>
    /// Starts the tool so that it does everything but read the data, for `pitr check`: it has to log in and may have to lock what it would dump. Null where it has no such way: then a dump
    /// is begun and ended behind its first bytes.
    /// </summary>
    /// <exception cref="ServerException">It cannot be started.</exception>
    ClientProgram? StartRehearsal(PlannedStream stream) => null;

    /// <summary>Counts what a stream holds, cheaply, for drills to compare with; nothing for what cannot be counted.</summary>
    /// <exception cref="ServerException">The server cannot be reached, or refuses.</exception>
    Task<IReadOnlyList<ServerCount>> CountAsync(PlannedStream stream, CancellationToken cancellation) => Task.FromResult<IReadOnlyList<ServerCount>>([]);

    /// <summary>Why a stream is not whole although its tool has ended well; null when it is, as far as its end tells.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="tail">Its last bytes, up to <see cref="DumpTail.Length"/>.</param>
    string? WhyNotWhole(PlannedStream stream, ReadOnlySpan<byte> tail);

    /// <summary>Whether a line of standard error is one that the tool always writes.</summary>
    bool IsRoutine(string message) => false;

    /// <summary>The next step after a tool has failed; null when its messages say enough.</summary>
    string? Hint(string messages);
}
