using Pitr.Postgres;

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

    /// <summary>Why a stream is not whole although its tool has ended well; null when it is, as far as its end tells.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="tail">Its last bytes, up to <see cref="DumpTail.Length"/>.</param>
    string? WhyNotWhole(PlannedStream stream, ReadOnlySpan<byte> tail);

    /// <summary>Whether a line of standard error is one that the tool always writes.</summary>
    bool IsRoutine(string message) => false;

    /// <summary>The next step after a tool has failed; null when its messages say enough.</summary>
    string? Hint(string messages);
}
