namespace Pitr.Operations.Dumps;

/// <summary>A short stream that pitr writes itself, ready from the beginning.</summary>
/// <param name="content">Its bytes.</param>
/// <param name="messages">What somebody should read, one a line.</param>
/// <param name="counts">How many of what it holds.</param>
sealed class MemoryFeed(byte[] content, IEnumerable<string> messages, IReadOnlyDictionary<string, long> counts) : IDumpFeed
{
    /// <inheritdoc/>
    public string Name => "pitr";

    /// <inheritdoc/>
    public Stream Output { get; } = new MemoryStream(content, writable: false);

    /// <inheritdoc/>
    public string Messages { get; } = string.Join(Environment.NewLine, messages);

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, long> Contents => counts;

    /// <inheritdoc/>
    public Task<int> WaitAsync(CancellationToken cancellation) => Task.FromResult(0);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Output.DisposeAsync();
}
