using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Pitr.Storage.Sftp;

/// <summary>A packet being built, in a pooled buffer: length (uint32), type, request number, fields.</summary>
sealed class SftpPacket : IDisposable
{
    const int LengthSize = 4;
    const int IdOffset = 5;

    byte[] _buffer;
    int _length;
    SemaphoreSlim? _place;

    /// <summary>A packet of a type, with room for a request number.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="capacity">Bytes it will have at most; it grows if that was wrong.</param>
    public SftpPacket(SftpPacketType type, int capacity = 512)
    {
        Type = type;
        _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(capacity, 64));
        _buffer[LengthSize] = (byte)type;
        _length = IdOffset + 4;
    }

    public SftpPacketType Type { get; }

    /// <summary>Makes the packet keep a place that was taken, until it is disposed, that is when it was sent or will not be.</summary>
    public SftpPacket Keep(SemaphoreSlim place)
    {
        _place = place;
        return this;
    }

    /// <summary>The request number, of INIT the protocol version.</summary>
    public void SetId(uint id) => BinaryPrimitives.WriteUInt32BigEndian(_buffer.AsSpan(IdOffset), id);

    public SftpPacket UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(Next(4), value);
        return this;
    }

    public SftpPacket UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(Next(8), value);
        return this;
    }

    public SftpPacket Bytes(ReadOnlySpan<byte> value)
    {
        UInt32((uint)value.Length);
        value.CopyTo(Next(value.Length));
        return this;
    }

    public SftpPacket Text(string value)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        UInt32((uint)length);
        Encoding.UTF8.GetBytes(value, Next(length));
        return this;
    }

    /// <summary>Attributes that set the permissions and nothing else.</summary>
    public SftpPacket Permissions(uint mode) => UInt32(0x4).UInt32(mode);

    /// <summary>No attributes.</summary>
    public SftpPacket NoAttributes() => UInt32(0);

    /// <summary>Room for a string of bytes to be filled in place; <see cref="EndString"/> says how many came.</summary>
    public Memory<byte> BeginString(int most)
    {
        Reserve(4 + most);
        return _buffer.AsMemory(_length + 4, most);
    }

    public void EndString(int length)
    {
        UInt32((uint)length);
        _length += length;
    }

    /// <summary>The whole packet as it is sent.</summary>
    public ReadOnlyMemory<byte> Finish()
    {
        BinaryPrimitives.WriteUInt32BigEndian(_buffer, (uint)(_length - LengthSize));
        return _buffer.AsMemory(0, _length);
    }

    public void Dispose()
    {
        var buffer = Interlocked.Exchange(ref _buffer, []);
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            _place?.Release();
        }
    }

    Span<byte> Next(int count)
    {
        Reserve(count);
        var span = _buffer.AsSpan(_length, count);
        _length += count;
        return span;
    }

    void Reserve(int count)
    {
        if (_length + count <= _buffer.Length)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length * 2, _length + count));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
