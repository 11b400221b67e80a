namespace Pitr.Operations.Repositories.Validation;

/// <summary>A repository did not do what every repository must. Never leaves the validation: it becomes a verdict.</summary>
/// <param name="message">What was done, what came of it and what should have, starting in lower case.</param>
sealed class BrokenPromiseException(string message) : Exception(message)
{
    /// <summary>Throws unless the promise is kept.</summary>
    public static void Unless(bool kept, string message)
    {
        if (!kept)
        {
            throw new BrokenPromiseException(message);
        }
    }
}
