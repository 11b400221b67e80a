using Pitr.Format.Compression;
using Pitr.Format.Keys;
using Pitr.Format.Sealing;

namespace Pitr.Format.Packs;

/// <summary>
/// Builds a pack in memory: a sealed-object header of kind pack, then records, each one zstd frame sealed on its own. For one thread at a time.
/// </summary>
public sealed class PackWriter : IDisposable
{
    /// <summary>Most plaintext bytes in a record: 64 MiB.</summary>
    public const int MaximumRecordLength = 64 << 20;

    readonly ObjectCipher _cipher;
    readonly int _level;
    byte[]? _buffer;
    int _length;
    bool _finished;

    /// <param name="key">Data key to seal with.</param>
    /// <param name="level">zstd level.</param>
    public PackWriter(DataKey key, int level = 1)
        : this(key, SealedObjectHeader.Create(SealedObjectKind.Pack, SealedObjectCodec.Zstd, (key ?? throw new ArgumentNullException(nameof(key))).Id), level)
    {
    }

    internal PackWriter(DataKey key, SealedObjectHeader header, int level)
    {
        _cipher = new ObjectCipher(key, header);
        _level = level;
        _buffer = PackBuffers.Rent();
        _cipher.Header.CopyTo(_buffer);
        _length = SealedObjectHeader.Size;
    }

    /// <summary>Bytes of the pack so far, header included.</summary>
    public long StoredLength => _length;

    /// <summary>Records so far.</summary>
    public int RecordCount { get; private set; }

    /// <summary>Compresses and seals one record.</summary>
    /// <param name="plaintext">1 byte to 64 MiB.</param>
    /// <exception cref="ArgumentException">Empty or too long.</exception>
    /// <exception cref="InvalidOperationException">The pack is finished, or would exceed 2 GiB.</exception>
    public PackRecord Add(ReadOnlySpan<byte> plaintext)
    {
        ObjectDisposedException.ThrowIf(_buffer is null, this);
        if (_finished)
        {
            throw new InvalidOperationException("the pack is already finished");
        }

        if (plaintext.Length is 0 or > MaximumRecordLength)
        {
            throw new ArgumentException($"a record has 1 to {MaximumRecordLength} bytes, not {plaintext.Length}", nameof(plaintext));
        }

        var room = Zstd.CompressBound(plaintext.Length) + ObjectCipher.TagSize;
        EnsureRoom(room);
        var destination = _buffer.AsSpan(_length, room);
        var length = Zstd.Compress(plaintext, destination, _level);
        _cipher.SealRecord(RecordCount, destination[..length], destination);

        var record = new PackRecord(RecordCount, _length, length + ObjectCipher.TagSize);
        _length += record.StoredLength;
        RecordCount++;
        return record;
    }

    /// <summary>The whole pack, valid until this writer is disposed. Nothing can be added afterwards.</summary>
    public ReadOnlyMemory<byte> Finish()
    {
        ObjectDisposedException.ThrowIf(_buffer is null, this);
        _finished = true;
        return _buffer.AsMemory(0, _length);
    }

    public void Dispose()
    {
        if (_buffer is { } buffer)
        {
            _buffer = null;
            PackBuffers.Return(buffer);
            _cipher.Dispose();
        }
    }

    void EnsureRoom(int room)
    {
        var needed = (long)_length + room;
        if (needed <= _buffer!.Length)
        {
            return;
        }

        if (needed > Array.MaxLength)
        {
            throw new InvalidOperationException("the pack would exceed 2 GiB");
        }

        var larger = GC.AllocateUninitializedArray<byte>((int)Math.Min(Array.MaxLength, Math.Max(needed, 2L * _buffer.Length)));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        PackBuffers.Return(_buffer);
        _buffer = larger;
    }
}
