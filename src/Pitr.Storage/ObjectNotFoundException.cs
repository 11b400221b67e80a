namespace Pitr.Storage;

/// <summary>The object is proven absent: the store answered, and the answer is no.</summary>
/// <param name="repository">The repository's name in the configuration.</param>
/// <param name="key">The key asked for.</param>
/// <param name="innerException">The driver's own error, where there is one.</param>
public sealed class ObjectNotFoundException(string repository, string key, Exception? innerException = null)
    : StorageException(repository, key, "does not exist", isTransient: false, hint: null, innerException);
