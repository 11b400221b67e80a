using Pitr.Operations.Errors;
using Pitr.Operations.Restore;

namespace Pitr.Operations.Groups;

/// <summary>
/// What is special about restoring one kind of service in place as part of a group. What was there is kept under another name until it is confirmed. Every step may be
/// repeated after a kill, by another process that knows nothing but the record.
/// </summary>
public interface IComponentRestore : IAsyncDisposable
{
    /// <summary>Chooses the backup, refuses what cannot come to a good end, and reads back every object that is needed. Changes nothing.</summary>
    /// <param name="until">The latest moment whose state it may have; null for the newest there is.</param>
    /// <param name="id">Of the group's restore; part of the names aside.</param>
    /// <param name="progress">Told what is read.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="OperationException">Something is missing, damaged or in the way; nothing was changed.</exception>
    Task<ComponentPlan> PrepareAsync(DateTimeOffset? until, string id, IProgress<RestoreProgress>? progress, CancellationToken cancellation);

    /// <summary>Keeps what is there under another name and puts what is restored into its place. Only after <see cref="PrepareAsync"/>; what fails is left to <see cref="RollBackAsync"/>.</summary>
    Task ApplyAsync(ComponentWork work, CancellationToken cancellation);

    /// <summary>Removes what was there for good.</summary>
    /// <returns>What was done, in sentences.</returns>
    Task<IReadOnlyList<string>> ConfirmAsync(ComponentRecord record, CancellationToken cancellation);

    /// <summary>Brings back what was there, from whichever phase.</summary>
    /// <param name="work">Its part of the journal.</param>
    /// <param name="keepsRestored">Whether what was restored is kept under another name, because it has been in use.</param>
    /// <returns>What lies where now, in sentences.</returns>
    Task<IReadOnlyList<string>> RollBackAsync(ComponentWork work, bool keepsRestored);
}
