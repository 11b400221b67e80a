using Pitr.Format.Catalog;
using Pitr.Operations.Dumps;
using Pitr.Operations.Errors;
using Pitr.Postgres;

namespace Pitr.Operations.Groups;

/// <summary>What is special about a server whose databases or collections cannot be renamed, and are kept by copying them within it.</summary>
interface ICopyingServer : IAsyncDisposable
{
    /// <summary>What it has: database, collection.</summary>
    string Thing { get; }

    /// <summary>Whether it may finish what it had been sent whole after the one who sent it has ended.</summary>
    bool GoesOn { get; }

    /// <summary>Whether it has been sent something whole by this process, and has not said what became of it.</summary>
    bool IsUnanswered { get; }

    /// <summary>What brings a dump back into it, without anything from earlier plans; to be disposed.</summary>
    IDumpTarget OpenTarget();

    /// <summary>What a stream of a dump holds, by name.</summary>
    IReadOnlyList<string> NamesIn(DumpStreamRecord stream);

    /// <summary>What somebody should know of a restore of this dump, in sentences.</summary>
    IReadOnlyList<string> Notes(DumpManifest manifest);

    /// <summary>What there is, by name, as far as it would be dumped.</summary>
    /// <exception cref="ServerException">It cannot be reached, or something for this is missing here.</exception>
    /// <exception cref="ConflictException">It is one whose things cannot be kept so.</exception>
    Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellation);

    /// <summary>Looks whether a thing could be kept and replaced, and notes what would be lost with it. Changes nothing.</summary>
    /// <exception cref="ConflictException">It could not.</exception>
    /// <exception cref="ServerException">The server cannot be reached, or the user may not.</exception>
    Task<ComponentMove> LookAsync(ComponentMove move, CancellationToken cancellation);

    /// <summary>Ends and clears away what a killed run has left at work.</summary>
    /// <returns>What somebody should know of it, in sentences.</returns>
    Task<IReadOnlyList<string>> SettleAsync(CancellationToken cancellation);

    /// <summary>Whether there is such a thing.</summary>
    Task<bool> ExistsAsync(string name, CancellationToken cancellation);

    /// <summary>Has one thing be the same as another; what it was is gone. Returns when the two have been compared.</summary>
    /// <param name="from">It stays as it is.</param>
    /// <param name="to">It is made; what is there under this name is removed first.</param>
    /// <param name="progress">Told how many bytes have gone, and of how many; 0 where that is not known.</param>
    /// <param name="cancellation">Ends it; <paramref name="to"/> may be there in part then.</param>
    /// <exception cref="ServerException">It failed, or the two are not the same.</exception>
    Task CopyAsync(string from, string to, Action<long, long> progress, CancellationToken cancellation);

    /// <summary>Removes a thing; fine when there is none.</summary>
    Task RemoveAsync(string name, CancellationToken cancellation);

    /// <summary>Gives a thing that has been made anew what belonged to the one that was in its place.</summary>
    Task CompleteAsync(ComponentMove move, CancellationToken cancellation) => Task.CompletedTask;
}
