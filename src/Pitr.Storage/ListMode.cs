namespace Pitr.Storage;

/// <summary>How deep <see cref="IObjectStore.ListAsync"/> looks.</summary>
public enum ListMode
{
    /// <summary>Objects directly below the prefix, and each sub-prefix once.</summary>
    Children,

    /// <summary>Every object whose key starts with the prefix.</summary>
    Recursive,
}
