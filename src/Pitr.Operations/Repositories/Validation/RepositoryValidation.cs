using Pitr.Storage;
using Serilog;

namespace Pitr.Operations.Repositories.Validation;

/// <summary>
/// Tries on a real repository what every repository promises, and holds what it declares against what is seen. Works below a prefix of its
/// own and leaves nothing behind, however it ends.
/// </summary>
/// <param name="store">The repository. It need not be initialised.</param>
/// <param name="largeObject">Bytes of the large object, 1 or more.</param>
/// <param name="clock">Source of time.</param>
/// <param name="log">Told what could not be removed when the work is interrupted.</param>
public sealed class RepositoryValidation(IObjectStore store, long largeObject, TimeProvider clock, ILogger log)
{
    /// <summary>64 MiB: above the size from which drivers send objects in parts.</summary>
    public const long DefaultLargeObject = 64 << 20;

    static readonly TimeSpan CleanUpLimit = TimeSpan.FromSeconds(45);

    readonly VolumeProbes _volume = new(largeObject);

    /// <summary>Tries everything.</summary>
    /// <param name="begins">Told the title of each promise before it is tried.</param>
    /// <param name="ends">Told each verdict as soon as it is there.</param>
    /// <param name="cancellation">Ends the work; what it put is removed nevertheless.</param>
    /// <exception cref="StorageException">Not even the first object could be put: there is nothing to judge.</exception>
    public async Task<ValidationReport> RunAsync(IProgress<string>? begins, IProgress<ValidationResult>? ends, CancellationToken cancellation)
    {
        var space = new ValidationSpace(store, clock);
        var results = new List<ValidationResult>();
        IReadOnlyList<string> left;
        var finished = false;
        try
        {
            foreach (var promise in Promises())
            {
                begins?.Report(promise.Title);
                var result = await TryAsync(promise, space, cancellation);
                results.Add(result);
                ends?.Report(result);
            }

            finished = true;
        }
        finally
        {
            begins?.Report("cleaning up");
            left = await CleanUpAsync(space, cancellation);
            if (!finished && left.Count > 0)
            {
                log.Warning("repository {Repository}: the validation could not make sure that nothing of it stays below {Prefix}: {Keys}", store.Name, space.Prefix, left);
            }
        }

        return new ValidationReport(results, _volume.Rates, space.Prefix, left);
    }

    IEnumerable<ValidationPromise> Promises() =>
    [
        new("round-trip", "objects are put, found, read, listed and removed", BasicProbes.RoundTripAsync),
        new("absence", "absent is an answer, not a failure", BasicProbes.AbsenceAsync),
        new("whole-objects", "an object is there as a whole or not at all", WriteProbes.WholeObjectsAsync),
        new("create-new", "an existing object is not overwritten by creating it again", WriteProbes.TakenKeyAsync),
        new(
            "atomic-create",
            "of several who create one object, exactly one does",
            WriteProbes.RaceAsync,
            declared => declared.AtomicCreateIfAbsent,
            "two hosts that work on one service at the same moment can both believe that they hold its lock: let one host alone work on it"),
        new(
            "atomic-replace",
            "while an object is replaced, the old or the new one is read",
            WriteProbes.ReplacementAsync,
            declared => declared.AtomicReplace,
            "reading a document at the moment it is replaced can fail or give a part of it"),
        new(
            "read-after-write",
            "what was done is seen at once",
            WriteProbes.SeenAtOnceAsync,
            declared => declared.ReadAfterWrite,
            "pitr can take for missing what was stored a moment ago"),
        new("listing", "listings are complete and in order", VolumeProbes.ListingAsync),
        new("ranges", "parts of objects are read exactly", BasicProbes.RangesAsync),
        new("names", "every legal name is kept as it is", BasicProbes.NamesAsync),
        new("empty-object", "an object may be empty", BasicProbes.EmptyAsync),
        new("small-objects", "small objects, one after the other", _volume.LatencyAsync),
        new("parallel", "many operations at once", _volume.ParallelAsync),
        new("large-object", "large objects", _volume.LargeAsync),
        new(
            "durable",
            "what was acknowledged survives a power cut",
            (_, _) => Task.FromResult("declared; nobody can prove it from outside"),
            declared => declared.DurableOnReturn,
            "a power cut of the server can lose what was acknowledged a moment before: keep a second repository"),
    ];

    async Task<ValidationResult> TryAsync(ValidationPromise promise, ValidationSpace space, CancellationToken cancellation)
    {
        var started = clock.GetTimestamp();
        var broken = false;
        string detail;
        try
        {
            detail = await promise.Probe(space, cancellation);
        }
        catch (BrokenPromiseException e)
        {
            (broken, detail) = (true, e.Message);
        }
        catch (StorageException e) when (space.IsUsable)
        {
            (broken, detail) = (true, e.Reason);
        }

        // Asked afterwards: some repositories know only after a first use what they can do.
        var verdict = Judge(promise, broken);
        if (verdict == ValidationVerdict.NotPromised)
        {
            detail = promise.Name == "durable" ? promise.Without! : $"{promise.Without}; here {(broken ? "it happened" : "it did not happen")}: {detail}";
        }

        return new ValidationResult(promise.Name, promise.Title, verdict, detail, clock.GetElapsedTime(started));
    }

    ValidationVerdict Judge(ValidationPromise promise, bool broken)
    {
        if (promise.IsDeclared is { } isDeclared && !isDeclared(store.Capabilities))
        {
            return ValidationVerdict.NotPromised;
        }

        return broken ? ValidationVerdict.Broken : promise.Name == "durable" ? ValidationVerdict.Declared : ValidationVerdict.Kept;
    }

    // Not with the caller's token: an interrupted validation cleans up too, but whoever interrupts does not wait for ever.
    async Task<IReadOnlyList<string>> CleanUpAsync(ValidationSpace space, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(Timeout.InfiniteTimeSpan, clock);
        await using var interruption = cancellation.Register(() => limit.CancelAfter(CleanUpLimit));
        try
        {
            return await space.CleanUpAsync(limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            return [space.Prefix];
        }
    }
}
