namespace Pitr.Storage.Testing;

/// <summary>An operation of <see cref="IObjectStore"/>.</summary>
public enum StoreOperation
{
    /// <summary><see cref="IObjectStore.ListAsync"/>.</summary>
    List,

    /// <summary><see cref="IObjectStore.StatAsync"/>.</summary>
    Stat,

    /// <summary><see cref="IObjectStore.OpenReadAsync"/> and the stream it gives.</summary>
    Read,

    /// <summary><see cref="IObjectStore.PutAsync"/>.</summary>
    Put,

    /// <summary><see cref="IObjectStore.DeleteAsync"/>.</summary>
    Delete,
}
