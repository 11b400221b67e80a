namespace Pitr.Storage;

/// <summary><see cref="PutMode.CreateNew"/> met a key that is taken. Nothing was changed.</summary>
/// <param name="repository">The repository's name in the configuration.</param>
/// <param name="key">The key that is taken.</param>
/// <param name="innerException">The driver's own error, where there is one.</param>
public sealed class ObjectExistsException(string repository, string key, Exception? innerException = null)
    : StorageException(repository, key, "exists already", isTransient: false, hint: null, innerException);
