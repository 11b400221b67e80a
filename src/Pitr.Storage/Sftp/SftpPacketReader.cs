using System.Buffers.Binary;
using System.Text;

namespace Pitr.Storage.Sftp;

/// <summary>Reads the fields of one packet (draft-ietf-secsh-filexfer-02). Never reads past its end, whatever the lengths in it say.</summary>
ref struct SftpPacketReader(ReadOnlySpan<byte> packet)
{
    const uint HasSize = 0x1;
    const uint HasOwner = 0x2;
    const uint HasPermissions = 0x4;
    const uint HasTimes = 0x8;
    const uint HasExtended = 0x80000000;

    static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    ReadOnlySpan<byte> _rest = packet;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public byte Byte() => Take(1)[0];

    public uint UInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64BigEndian(Take(8));

    /// <summary>A string of bytes.</summary>
    public ReadOnlySpan<byte> Bytes()
    {
        var length = UInt32();
        return length <= (uint)_rest.Length
            ? Take((int)length)
            : throw new SftpProtocolException($"a field of {length} bytes in a packet with {_rest.Length} left");
    }

    /// <summary>Text for messages; what is no UTF-8 is replaced.</summary>
    public string Text() => Encoding.UTF8.GetString(Bytes());

    /// <summary>A file name; <see langword="null"/> when it is no UTF-8.</summary>
    public string? FileName()
    {
        var bytes = Bytes();
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            // Linux allows such names, keys do not.
            return null;
        }
    }

    public SftpAttributes Attributes()
    {
        var flags = UInt32();
        ulong? size = (flags & HasSize) != 0 ? UInt64() : null;
        if ((flags & HasOwner) != 0)
        {
            Take(8);
        }

        uint? mode = (flags & HasPermissions) != 0 ? UInt32() : null;
        DateTimeOffset? modified = null;
        if ((flags & HasTimes) != 0)
        {
            Take(4);
            modified = DateTimeOffset.FromUnixTimeSeconds(UInt32());
        }

        if ((flags & HasExtended) != 0)
        {
            for (var left = UInt32(); left > 0; left--)
            {
                Bytes();
                Bytes();
            }
        }

        return new SftpAttributes(size, mode, modified);
    }

    /// <summary>The entries of a NAME packet.</summary>
    public List<SftpName> Names()
    {
        const int LeastEntry = 12;
        var count = UInt32();
        if (count > (uint)(_rest.Length / LeastEntry))
        {
            throw new SftpProtocolException($"{count} names in a packet with {_rest.Length} bytes left");
        }

        var names = new List<SftpName>((int)count);
        for (var i = 0u; i < count; i++)
        {
            var name = FileName();
            Bytes(); // "longname", for people
            names.Add(new SftpName(name, Attributes()));
        }

        return names;
    }

    /// <summary>Everything that is left.</summary>
    public ReadOnlySpan<byte> Remaining() => Take(_rest.Length);

    ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
        {
            throw new SftpProtocolException($"a packet ends {count - _rest.Length} bytes too early");
        }

        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}
