using System.Collections.Concurrent;
using Pitr.Format;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>
/// Does the same with many objects, several at a time. What concerns one object alone is remembered and the others go on; everything else
/// (a repository out of reach, a full disk) ends the work, because it would meet every object.
/// </summary>
/// <param name="jobs">Objects worked on at once, 1 or more.</param>
public sealed class ObjectBatch(int jobs)
{
    // A damaged disk can make as many failures as there are objects.
    const int MostRemembered = 1000;

    readonly ConcurrentQueue<ObjectFailure> _failures = new();
    long _failed;
    long _done;
    long _bytes;

    /// <summary>Objects done.</summary>
    public long Done => Interlocked.Read(ref _done);

    /// <summary>Bytes of the objects done.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Objects that failed.</summary>
    public long Failed => Interlocked.Read(ref _failed);

    /// <summary>The first of those that failed, at most 1000.</summary>
    public IReadOnlyList<ObjectFailure> Failures => [.. _failures];

    /// <summary>Works on objects as they come.</summary>
    /// <param name="items">The objects; read only as fast as they are worked on.</param>
    /// <param name="key">Gives an object's key.</param>
    /// <param name="work">Does one, and gives the bytes it had.</param>
    /// <param name="cancellation">Ends the work.</param>
    public Task RunAsync<T>(IAsyncEnumerable<T> items, Func<T, string> key, Func<T, CancellationToken, Task<long>> work, CancellationToken cancellation) =>
        Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = jobs, CancellationToken = cancellation }, async (item, token) =>
        {
            try
            {
                var bytes = await work(item, token);
                Interlocked.Add(ref _bytes, bytes);
                Interlocked.Increment(ref _done);
            }
            catch (Exception e) when (IsOfOneObject(e))
            {
                Fail(key(item), e);
            }
        });

    /// <summary>Remembers a failure.</summary>
    public void Fail(string key, Exception error)
    {
        if (Interlocked.Increment(ref _failed) <= MostRemembered)
        {
            _failures.Enqueue(new ObjectFailure(key, error));
        }
    }

    static bool IsOfOneObject(Exception e) =>
        e is ObjectNotFoundException or ObjectExistsException or DamagedObjectException or DamagedRepositoryException or UnsupportedFormatException
            or KeyUnavailableException or ConflictException or RefusedInputException;
}
