namespace Pitr.Operations.Dumps.Qdrant;

/// <summary>Ends what waits for a server that says nothing for too long.</summary>
sealed class Silence : IDisposable
{
    readonly CancellationTokenSource _source;
    readonly TimeSpan _longest;

    /// <param name="longest">How long it may say nothing.</param>
    /// <param name="cancellation">Ends it as well.</param>
    public Silence(TimeSpan longest, CancellationToken cancellation)
    {
        _longest = longest;
        _source = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Restart();
    }

    /// <summary>Cancelled after the silence, or from outside.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Something has happened.</summary>
    public void Restart() => _source.CancelAfter(_longest);

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();
}
