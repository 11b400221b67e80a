namespace Pitr.Operations.Dumps;

/// <summary>A stream of a dump while it is written: by a tool of the vendor, by a server, or by pitr itself. Disposing ends it, and removes what it made elsewhere.</summary>
public interface IDumpFeed : IAsyncDisposable
{
    /// <summary>Who writes it, for messages.</summary>
    string Name { get; }

    /// <summary>Its bytes; to be read to the end.</summary>
    Stream Output { get; }

    /// <summary>What was said meanwhile that somebody should read; complete once <see cref="WaitAsync"/> has returned. Holds no secret.</summary>
    string Messages { get; }

    /// <summary>How many of what the stream holds, by name: documents of each collection, points, accounts. Null when nobody counted. Complete once <see cref="WaitAsync"/> has returned.</summary>
    IReadOnlyDictionary<string, long>? Contents => null;

    /// <summary>Waits until the writer has ended, once all of <see cref="Output"/> has been read.</summary>
    /// <returns>Its exit code; 0 when all went well.</returns>
    /// <exception cref="Pitr.Postgres.ServerException">What was read is not whole, or not what its writer says that it wrote.</exception>
    Task<int> WaitAsync(CancellationToken cancellation);
}
