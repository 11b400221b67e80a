using Pitr.Format.Sealing;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Streaming;

/// <summary>Puts a sealed object that came over a stream: what is there already must have the same fingerprint, whoever stored it.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Name">What it is called in messages.</param>
/// <param name="Fingerprint">Of its content.</param>
sealed record StreamedObject(string Key, string Name, byte[] Fingerprint)
{
    /// <summary>Stores it in one repository.</summary>
    /// <returns>False when it was there already.</returns>
    /// <exception cref="ConflictException">Other content is stored under the key.</exception>
    public async Task<bool> PutAsync(IObjectStore store, byte[] sealedBytes, CancellationToken cancellation)
    {
        try
        {
            await store.PutAsync(Key, ObjectContent.FromMemory(sealedBytes), PutMode.CreateNew, cancellation);
            return true;
        }
        catch (ObjectExistsException)
        {
            await RequireSameAsync(store, cancellation);
            return false;
        }
    }

    /// <summary>Makes sure that what is stored under the key is this.</summary>
    /// <exception cref="ConflictException">It is not.</exception>
    public async Task RequireSameAsync(IObjectStore store, CancellationToken cancellation)
    {
        var stored = await WalObject.ReadHeaderAsync(store, Key, cancellation);
        if (!stored.Fingerprint.AsSpan().SequenceEqual(Fingerprint))
        {
            throw new ConflictException(
                $"{Name} is already in repository {store.Name} with other content: stored {Convert.ToHexStringLower(stored.Fingerprint)}, received {Convert.ToHexStringLower(Fingerprint)}",
                "two servers archive under one service name (an old primary that came back?); stop the wrong one, nothing was overwritten");
        }
    }
}
