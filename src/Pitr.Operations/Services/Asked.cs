using Pitr.Storage;

namespace Pitr.Operations.Services;

/// <summary>What came of asking one repository after the other.</summary>
/// <typeparam name="T">The answer.</typeparam>
/// <param name="IsAnswered">One gave a good answer.</param>
/// <param name="Answer">That answer.</param>
/// <param name="Failures">Why the others, or all, did not; in the order in which they failed.</param>
public readonly record struct Asked<T>(bool IsAnswered, T Answer, IReadOnlyList<Exception> Failures)
{
    /// <summary>Every repository answered that there is no such object.</summary>
    public bool IsProvenAbsent => !IsAnswered && Failures.All(f => f is ObjectNotFoundException);

    /// <summary>The failure that says most: damage or silence says more than that another repository does not have it.</summary>
    public Exception Failure => Failures.FirstOrDefault(f => f is not ObjectNotFoundException) ?? Failures[0];
}
