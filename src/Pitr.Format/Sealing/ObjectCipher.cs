using System.Buffers.Binary;
using System.Security.Cryptography;
using Pitr.Format.Keys;

namespace Pitr.Format.Sealing;

/// <summary>AES-256-GCM under the key of one object. For one thread at a time.</summary>
sealed class ObjectCipher : IDisposable
{
    public const int TagSize = 16;
    const int KeySize = 32;
    const int NonceSize = 12;
    const byte MoreFollows = 0;
    const byte Last = 1;
    const byte Record = 2;

    readonly AesGcm _gcm;

    // The header, and room for a record index behind it.
    readonly byte[] _associatedData = new byte[SealedObjectHeader.Size + sizeof(uint)];

    /// <exception cref="DamagedObjectException">The header names another data key.</exception>
    public ObjectCipher(DataKey key, SealedObjectHeader header)
    {
        if (key.Id != header.KeyId)
        {
            throw new DamagedObjectException($"sealed object names data key {header.KeyId}, but was to be opened with {key.Id}");
        }

        header.Write(_associatedData);
        Span<byte> objectKey = stackalloc byte[KeySize];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key.Secret, objectKey, header.Salt, "pitr/object/v1"u8);
        _gcm = new AesGcm(objectKey, TagSize);
        CryptographicOperations.ZeroMemory(objectKey);
    }

    public ReadOnlySpan<byte> Header => _associatedData.AsSpan(0, SealedObjectHeader.Size);

    /// <param name="index">Position of the chunk in the object, from 0.</param>
    /// <param name="isLast">Whether the object ends here.</param>
    /// <param name="plaintext">Content.</param>
    /// <param name="destination">Room for the content and a tag.</param>
    public void SealChunk(long index, bool isLast, ReadOnlySpan<byte> plaintext, Span<byte> destination) =>
        Seal(index, isLast ? Last : MoreFollows, plaintext, destination, Header);

    /// <returns>False if authentication fails.</returns>
    public bool TryOpenChunk(long index, bool isLast, ReadOnlySpan<byte> source, Span<byte> destination) =>
        TryOpen(index, isLast ? Last : MoreFollows, source, destination, Header);

    /// <param name="index">Position of the record in the pack, from 0.</param>
    /// <param name="plaintext">Content; may be the beginning of the destination.</param>
    /// <param name="destination">Room for the content and a tag.</param>
    public void SealRecord(int index, ReadOnlySpan<byte> plaintext, Span<byte> destination) =>
        Seal(index, Record, plaintext, destination, RecordAssociatedData(index));

    /// <inheritdoc cref="TryOpenChunk"/>
    public bool TryOpenRecord(int index, ReadOnlySpan<byte> source, Span<byte> destination) =>
        TryOpen(index, Record, source, destination, RecordAssociatedData(index));

    public void Dispose() => _gcm.Dispose();

    static void WriteNonce(Span<byte> nonce, long index, byte purpose)
    {
        nonce.Clear();
        BinaryPrimitives.WriteInt64BigEndian(nonce[3..], index);
        nonce[11] = purpose;
    }

    void Seal(long index, byte purpose, ReadOnlySpan<byte> plaintext, Span<byte> destination, ReadOnlySpan<byte> associatedData)
    {
        Span<byte> nonce = stackalloc byte[NonceSize];
        WriteNonce(nonce, index, purpose);
        _gcm.Encrypt(nonce, plaintext, destination[..plaintext.Length], destination.Slice(plaintext.Length, TagSize), associatedData);
    }

    bool TryOpen(long index, byte purpose, ReadOnlySpan<byte> source, Span<byte> destination, ReadOnlySpan<byte> associatedData)
    {
        if (source.Length < TagSize)
        {
            return false;
        }

        Span<byte> nonce = stackalloc byte[NonceSize];
        WriteNonce(nonce, index, purpose);
        var length = source.Length - TagSize;
        try
        {
            _gcm.Decrypt(nonce, source[..length], source[length..], destination[..length], associatedData);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    ReadOnlySpan<byte> RecordAssociatedData(int index)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_associatedData.AsSpan(SealedObjectHeader.Size), (uint)index);
        return _associatedData;
    }
}
