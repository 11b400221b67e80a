using System.Security.Cryptography;

namespace Pitr.Format.Keys;

/// <summary>
/// The symmetric key that objects are sealed with: 32 random bytes, used by one host for at most a day and kept in the repository only wrapped
/// (<see cref="KeyDocument"/>). The bytes are wiped on dispose.
/// </summary>
public sealed class DataKey : IDisposable
{
    /// <summary>Bytes in the secret.</summary>
    public const int Size = 32;

    // Pinned, so that the garbage collector leaves no copies behind when it compacts.
    readonly byte[] _secret = GC.AllocateUninitializedArray<byte>(Size, pinned: true);
    bool _disposed;

    /// <exception cref="ArgumentException">The secret is not 32 bytes long.</exception>
    public DataKey(DataKeyId id, ReadOnlySpan<byte> secret, DateTimeOffset created)
    {
        if (secret.Length != Size)
        {
            throw new ArgumentException($"a data key has {Size} bytes, not {secret.Length}", nameof(secret));
        }

        Id = id;
        Created = created.ToUniversalTime();
        secret.CopyTo(_secret);
    }

    public DataKeyId Id { get; }

    /// <summary>When the key was made, in UTC.</summary>
    public DateTimeOffset Created { get; }

    /// <exception cref="ObjectDisposedException">The key has been wiped.</exception>
    public ReadOnlySpan<byte> Secret
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _secret;
        }
    }

    /// <summary>Makes a new random key.</summary>
    public static DataKey Create(DateTimeOffset now)
    {
        Span<byte> secret = stackalloc byte[Size];
        RandomNumberGenerator.Fill(secret);
        var key = new DataKey(DataKeyId.New(), secret, now);
        CryptographicOperations.ZeroMemory(secret);
        return key;
    }

    public void Dispose()
    {
        _disposed = true;
        CryptographicOperations.ZeroMemory(_secret);
    }

    /// <summary>The id only.</summary>
    public override string ToString() => $"data key {Id}";
}
