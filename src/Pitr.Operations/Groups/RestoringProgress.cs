using Pitr.Operations.Restore;

namespace Pitr.Operations.Groups;

/// <summary>Hands the progress of one service on as that of the group, in the thread that reports it.</summary>
/// <typeparam name="T">What the service reports.</typeparam>
/// <param name="work">The service.</param>
/// <param name="select">As the group reports it.</param>
sealed class RestoringProgress<T>(ComponentWork work, Func<T, RestoreProgress> select) : IProgress<T>
{
    /// <inheritdoc/>
    public void Report(T value) => work.Progress?.Report(select(value));
}
