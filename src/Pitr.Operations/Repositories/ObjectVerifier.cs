using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>
/// Decides whether the stored bytes of an object are what they should be, with whatever keys the caller has. Returns when they are.
/// </summary>
/// <param name="key">The object's key.</param>
/// <param name="content">Its bytes as stored; may be opened more than once.</param>
/// <param name="cancellation">Ends the work.</param>
/// <exception cref="Pitr.Format.DamagedObjectException">They are not.</exception>
/// <exception cref="Errors.KeyUnavailableException">Nobody here can say.</exception>
public delegate Task ObjectVerifier(string key, ObjectContent content, CancellationToken cancellation);
