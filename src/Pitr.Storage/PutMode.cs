namespace Pitr.Storage;

/// <summary>What <see cref="IObjectStore.PutAsync"/> does about an object that is already there.</summary>
public enum PutMode
{
    /// <summary>Fail with <see cref="ObjectExistsException"/>.</summary>
    CreateNew,

    /// <summary>Take its place atomically.</summary>
    Replace,
}
