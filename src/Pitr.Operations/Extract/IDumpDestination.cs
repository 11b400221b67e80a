using Pitr.Postgres.Dumps;

namespace Pitr.Operations.Extract;

/// <summary>Where a dump goes. What is there already is never changed, and a dump that does not come to its end leaves nothing.</summary>
public interface IDumpDestination
{
    /// <summary>What it is, for messages: "file /srv/orders.dump".</summary>
    string Description { get; }

    /// <summary>Programs of PostgreSQL it needs besides pg_dump.</summary>
    IReadOnlyList<string> Programs { get; }

    /// <summary>Refuses, before anything is restored, what can be seen then to be impossible; changes nothing.</summary>
    /// <param name="names">What is asked for.</param>
    /// <param name="cancellation">Ends the work.</param>
    Task RequirePossibleAsync(DumpNames names, CancellationToken cancellation);

    /// <summary>Refuses what would meet something that is there.</summary>
    /// <param name="selection">What will be dumped, under the names that it will have.</param>
    /// <param name="cancellation">Ends the work.</param>
    Task RequireFreeAsync(DumpSelection selection, CancellationToken cancellation);

    /// <summary>Takes a dump, to its end.</summary>
    /// <param name="options">What is dumped, from where.</param>
    /// <param name="programs">Paths of <see cref="Programs"/>, by name.</param>
    /// <param name="progress">Told the bytes that have come.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>Bytes of the dump.</returns>
    Task<long> TakeAsync(PgDumpOptions options, IReadOnlyDictionary<string, string> programs, Action<long> progress, CancellationToken cancellation);
}
