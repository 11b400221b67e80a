namespace Pitr.Storage;

/// <summary>What <see cref="IObjectStore.PutAsync"/> does about an object that is already there.</summary>
public enum PutMode
{
    /// <summary>Fail with <see cref="ObjectExistsException"/>.</summary>
    CreateNew,

    /// <summary>Take its place atomically.</summary>
    Replace,

    /// <summary>As <see cref="Replace"/>, of what is renewed again and again and worth nothing afterwards: it is the only thing that no retention of the store keeps.</summary>
    Renew,
}
