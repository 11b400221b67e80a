namespace Pitr.Operations.Archive.Prefetch;

/// <summary>
/// How much may be held in memory at once by segments on their way, for all recoveries of a process together: one segment of 16 MiB for
/// each processor, two to four. A larger segment takes the place of several, so that a cluster with large ones does not make the process large.
/// </summary>
public sealed class PrefetchBudget : IDisposable
{
    const long Unit = 16L << 20;
    const int FewestUnits = 2;
    const int MostUnits = 4;

    readonly int _units = Math.Clamp(Environment.ProcessorCount, FewestUnits, MostUnits);
    readonly SemaphoreSlim _free;
    // One after the other, so that two that need several places do not wait for each other's.
    readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>All of it free.</summary>
    public PrefetchBudget()
    {
        _free = new SemaphoreSlim(_units);
        Memory = new SegmentMemoryPool(_units * Unit);
    }

    /// <summary>The memory itself, some of it kept between segments.</summary>
    internal SegmentMemoryPool Memory { get; }

    /// <summary>Waits for room, and takes it until disposed.</summary>
    /// <param name="bytes">Of one segment. What is larger than everything there is waits for all of it.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public async Task<IDisposable> TakeAsync(long bytes, CancellationToken cancellation)
    {
        var wanted = (int)Math.Clamp((bytes + Unit - 1) / Unit, 1, _units);
        var taken = 0;
        await _turn.WaitAsync(cancellation);
        try
        {
            for (; taken < wanted; taken++)
            {
                await _free.WaitAsync(cancellation);
            }

            return new Share(_free, wanted);
        }
        catch when (taken > 0)
        {
            _free.Release(taken);
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Memory.Dispose();
        _free.Dispose();
        _turn.Dispose();
    }

    sealed class Share(SemaphoreSlim free, int units) : IDisposable
    {
        public void Dispose() => free.Release(units);
    }
}
