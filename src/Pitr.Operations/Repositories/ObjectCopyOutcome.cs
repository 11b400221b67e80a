namespace Pitr.Operations.Repositories;

/// <summary>What became of one object.</summary>
public enum ObjectCopyOutcome
{
    /// <summary>The destination holds it now.</summary>
    Copied,

    /// <summary>The destination held the same bytes before.</summary>
    AlreadyThere,

    /// <summary>The destination holds other bytes under the key. Nothing was changed.</summary>
    Conflict,
}
