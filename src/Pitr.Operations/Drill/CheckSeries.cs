using Pitr.Operations.Restore;

namespace Pitr.Operations.Drill;

/// <summary>Runs checks one after the other. Whatever happens during one is its result, and the others go on.</summary>
/// <param name="clock">Source of time.</param>
/// <param name="checks">Takes the results as they come.</param>
/// <param name="progress">Told what is looked at.</param>
/// <param name="reason">Says why a check could not be done.</param>
sealed class CheckSeries(TimeProvider clock, List<DrillCheck> checks, IProgress<RestoreProgress>? progress, Func<Exception, string> reason)
{
    /// <summary>Does a check that says what it has found, or throws.</summary>
    /// <param name="name">What is checked.</param>
    /// <param name="check">Does it.</param>
    /// <param name="cancellation">Ends it; nothing is added then.</param>
    public Task RunAsync(string name, Func<CancellationToken, Task<string>> check, CancellationToken cancellation) =>
        RunAsync(new DrillCheck(name, false, ""), async token => new DrillCheck(name, true, await check(token)), cancellation);

    /// <summary>Does a check that judges by itself.</summary>
    /// <param name="undone">The check as it is when it cannot be done.</param>
    /// <param name="check">Does it.</param>
    /// <param name="cancellation">Ends it; nothing is added then.</param>
    public async Task RunAsync(DrillCheck undone, Func<CancellationToken, Task<DrillCheck>> check, CancellationToken cancellation)
    {
        progress?.Report(new RestoreProgress($"checking: {undone.Name}", 0, 0));
        var started = clock.GetTimestamp();
        DrillCheck done;
        try
        {
            done = await check(cancellation);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            // Whatever it is, it kept the check from holding: that is its result, and stands in the report.
            done = undone with { Detail = reason(e) };
        }

        checks.Add(done with { Seconds = clock.GetElapsedTime(started).TotalSeconds });
    }
}
