using Pitr.Storage;

namespace Pitr.Operations.Repositories.Validation;

/// <summary>A promise and how it is tried.</summary>
/// <param name="Name">Short name for programs.</param>
/// <param name="Title">In words.</param>
/// <param name="Probe">Tries it, and says what was tried. <see cref="BrokenPromiseException"/> when it does not hold.</param>
/// <param name="IsDeclared">For what only some repositories promise: whether this one does. Null: every repository must.</param>
/// <param name="Without">What it means when it is not promised, as a sentence.</param>
sealed record ValidationPromise(
    string Name,
    string Title,
    Func<ValidationSpace, CancellationToken, Task<string>> Probe,
    Func<StoreCapabilities, bool>? IsDeclared = null,
    string? Without = null);
