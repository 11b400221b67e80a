namespace Pitr.Operations.Repositories.Validation;

/// <summary>What was found out about one promise.</summary>
public enum ValidationVerdict
{
    /// <summary>Kept, as far as it was tried.</summary>
    Kept,

    /// <summary>Broken.</summary>
    Broken,

    /// <summary>The repository does not promise it; what follows from that is said.</summary>
    NotPromised,

    /// <summary>The repository promises it, and nobody can try it from outside.</summary>
    Declared,
}
