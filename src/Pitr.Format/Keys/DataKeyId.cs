using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;

namespace Pitr.Format.Keys;

/// <summary>Names a data key: 16 random bytes, written as 32 lower-case hexadecimal digits.</summary>
public readonly record struct DataKeyId
{
    /// <summary>Bytes in an id.</summary>
    public const int Size = 16;

    readonly UInt128 _value;

    DataKeyId(UInt128 value) => _value = value;

    /// <summary>A new random id.</summary>
    public static DataKeyId New()
    {
        Span<byte> bytes = stackalloc byte[Size];
        RandomNumberGenerator.Fill(bytes);
        return FromBytes(bytes);
    }

    /// <param name="bytes">At least 16 bytes; the first 16 count.</param>
    public static DataKeyId FromBytes(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt128BigEndian(bytes));

    /// <exception cref="FormatException">Not 32 lower-case hexadecimal digits.</exception>
    public static DataKeyId Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out var id) ? id : throw new FormatException($"not a data key id: \"{text}\"; expected 32 lower-case hexadecimal digits");

    /// <inheritdoc cref="Parse"/>
    public static bool TryParse([NotNullWhen(true)] string? text, out DataKeyId id) => TryParse(text.AsSpan(), out id);

    /// <inheritdoc cref="Parse"/>
    public static bool TryParse(ReadOnlySpan<char> text, out DataKeyId id)
    {
        id = default;
        if (text.Length != 2 * Size || text.ContainsAnyInRange('A', 'F')
            || !UInt128.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            return false;
        }

        id = new DataKeyId(value);
        return true;
    }

    /// <param name="destination">At least 16 bytes.</param>
    public void WriteTo(Span<byte> destination) => BinaryPrimitives.WriteUInt128BigEndian(destination, _value);

    public byte[] ToBytes()
    {
        var bytes = new byte[Size];
        WriteTo(bytes);
        return bytes;
    }

    public override string ToString() => _value.ToString("x32", CultureInfo.InvariantCulture);
}
