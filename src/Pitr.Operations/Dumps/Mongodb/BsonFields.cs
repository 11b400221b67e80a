using System.Buffers.Binary;
using System.Text;

namespace Pitr.Operations.Dumps.Mongodb;

/// <summary>The strings, integers and truth values at the top of a BSON document (bsonspec.org, version 1.1); everything else is passed over.</summary>
sealed class BsonFields
{
    const int LengthSize = 4;

    readonly Dictionary<string, string> _texts = new(StringComparer.Ordinal);
    readonly Dictionary<string, long> _numbers = new(StringComparer.Ordinal);

    BsonFields()
    {
    }

    /// <summary>A string, or null.</summary>
    public string? Text(string name) => _texts.GetValueOrDefault(name);

    /// <summary>An integer, or a truth value as 0 or 1; 0 when there is none.</summary>
    public long Number(string name) => _numbers.GetValueOrDefault(name);

    /// <summary>Reads one.</summary>
    /// <param name="document">All of its bytes, its length included.</param>
    /// <exception cref="FormatException">It is no BSON document.</exception>
    public static BsonFields Read(ReadOnlySpan<byte> document)
    {
        var fields = new BsonFields();
        var rest = document[LengthSize..^1];
        while (rest.Length > 0)
        {
            var type = rest[0];
            rest = rest[1..];
            var name = Encoding.UTF8.GetString(Word(ref rest));
            fields.ReadValue(type, name, ref rest);
        }

        return fields;
    }

    void ReadValue(byte type, string name, ref ReadOnlySpan<byte> rest)
    {
        switch (type)
        {
            case 0x02:
                var text = Take(ref rest, Length(ref rest));
                _texts[name] = text.Length > 0 ? Encoding.UTF8.GetString(text[..^1]) : throw Broken();
                break;
            case 0x08:
                _numbers[name] = Take(ref rest, 1)[0];
                break;
            case 0x10:
                _numbers[name] = BinaryPrimitives.ReadInt32LittleEndian(Take(ref rest, sizeof(int)));
                break;
            case 0x12:
                _numbers[name] = BinaryPrimitives.ReadInt64LittleEndian(Take(ref rest, sizeof(long)));
                break;
            case 0x03 or 0x04:
                Take(ref rest, Length(ref rest) - LengthSize);
                break;
            case 0x05:
                // Behind its length stands what kind of bytes they are.
                var length = Length(ref rest);
                Take(ref rest, 1);
                Take(ref rest, length);
                break;
            case 0x0B:
                Word(ref rest);
                Word(ref rest);
                break;
            case 0x0D or 0x0E:
                Take(ref rest, Length(ref rest));
                break;
            default:
                Take(ref rest, FixedSize(type));
                break;
        }
    }

    static int FixedSize(byte type) => type switch
    {
        0x01 or 0x09 or 0x11 => 8,
        0x07 => 12,
        0x13 => 16,
        0x06 or 0x0A or 0x7F or 0xFF => 0,
        _ => throw Broken(),
    };

    static int Length(ref ReadOnlySpan<byte> rest) => BinaryPrimitives.ReadInt32LittleEndian(Take(ref rest, LengthSize));

    static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> rest, int length)
    {
        if (length < 0 || length > rest.Length)
        {
            throw Broken();
        }

        var taken = rest[..length];
        rest = rest[length..];
        return taken;
    }

    static ReadOnlySpan<byte> Word(ref ReadOnlySpan<byte> rest)
    {
        var end = rest.IndexOf((byte)0);
        if (end < 0)
        {
            throw Broken();
        }

        var word = rest[..end];
        rest = rest[(end + 1)..];
        return word;
    }

    static FormatException Broken() => new("a document of the archive is no BSON");
}
