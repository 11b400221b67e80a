namespace Pitr.Storage;

/// <summary>How deep <see cref="IObjectStore.ListAsync"/> looks.</summary>
public enum ListMode
{
    /// <summary>Objects directly below the prefix, and each sub-prefix once.</summary>
    Children,

    /// <summary>Every object whose key starts with the prefix.</summary>
    Recursive,

    /// <summary>
    /// As <see cref="Recursive"/>, for whoever needs the keys alone: where a store would have to ask for each object's size and time, both are left out,
    /// as 0 and <see cref="DateTimeOffset.UnixEpoch"/>.
    /// </summary>
    Names,
}
