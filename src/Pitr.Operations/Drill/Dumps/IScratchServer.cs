using Pitr.Format.Catalog;
using Pitr.Operations.Configuration;
using Pitr.Operations.Dumps;
using Pitr.Operations.Errors;
using Pitr.Postgres;

namespace Pitr.Operations.Drill.Dumps;

/// <summary>
/// What is special about drilling dumps of one kind of service: a server of the same product in scratch space, which nobody reaches but through its private socket, and which
/// neither replicates nor writes anywhere else. Disposing ends it.
/// </summary>
interface IScratchServer : IAsyncDisposable
{
    /// <summary>Brings the dump back into it; to be asked once it is made.</summary>
    IDumpTarget Target { get; }

    /// <summary>What of the dump, and where to.</summary>
    DumpSelection Selection { get; }

    /// <summary>Finds the server's programs, and refuses a dump that they are too old for. Makes nothing.</summary>
    /// <exception cref="ServerException">A program is missing; the hint names its package.</exception>
    /// <exception cref="ImpossiblePlanException">The dump is of a newer server, or another product.</exception>
    Task FindAsync(DumpManifest manifest, CancellationToken cancellation);

    /// <summary>Makes it, empty.</summary>
    /// <exception cref="ServerException">It cannot be made or started.</exception>
    Task MakeAsync(CancellationToken cancellation);

    /// <summary>Waits until it accepts connections with what was restored.</summary>
    /// <exception cref="ServerException">It does not.</exception>
    Task OpenAsync(CancellationToken cancellation);

    /// <summary>What it says it is.</summary>
    /// <exception cref="ServerException">It does not answer.</exception>
    Task<string> DescribeAsync(CancellationToken cancellation);

    /// <summary>Counts what was restored of a stream, as <see cref="IDumpSource.CountAsync"/> did.</summary>
    /// <exception cref="ServerException">It does not answer.</exception>
    Task<IReadOnlyList<ServerCount>> CountAsync(DumpStreamRecord stream, CancellationToken cancellation);

    /// <summary>Reads every table of a database to its end.</summary>
    /// <returns>What was read, in words. For kinds without tables never asked.</returns>
    /// <exception cref="ServerException">Something could not be read.</exception>
    Task<string> ReadTablesAsync(string database, CancellationToken cancellation);

    /// <summary>The tables that were read so far, but for the server's own.</summary>
    IReadOnlyList<TableRows> Tables { get; }

    /// <summary>Asks a query of the configuration.</summary>
    /// <exception cref="ServerException">It has no answer.</exception>
    Task<SqlAnswer> AskAsync(SqlCheckSettings check, CancellationToken cancellation);

    /// <summary>Why a check could not be done, in words.</summary>
    string Reason(Exception e);
}
