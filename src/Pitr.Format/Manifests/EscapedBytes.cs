using System.Buffers;
using System.Globalization;
using System.Text;

namespace Pitr.Format.Manifests;

/// <summary>
/// Names of a file system, which are bytes, as text: valid UTF-8 stays as it is, and each byte of a control character, of a backslash or of what is no UTF-8 becomes
/// <c>\xHH</c>, two lower-case hexadecimal digits. Each name has one text, and each text one name.
/// </summary>
public static class EscapedBytes
{
    const int EscapeLength = 4;
    const string Digits = "0123456789abcdef";

    static readonly SearchValues<byte> Special = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(i => (byte)i), (byte)'\\', .. Enumerable.Range(0x7F, 0x81).Select(i => (byte)i)]);

    /// <summary>The text of a name.</summary>
    public static string ToText(ReadOnlySpan<byte> name)
    {
        if (!name.ContainsAny(Special))
        {
            return Encoding.ASCII.GetString(name);
        }

        var text = new StringBuilder(name.Length + 16);
        Span<char> characters = stackalloc char[2];
        while (name.Length > 0)
        {
            var isText = Rune.DecodeFromUtf8(name, out var rune, out var length) == OperationStatus.Done && !Rune.IsControl(rune) && rune.Value != '\\';
            if (isText)
            {
                text.Append(characters[..rune.EncodeToUtf16(characters)]);
            }
            else
            {
                foreach (var value in name[..length])
                {
                    text.Append("\\x").Append(Digits[value >> 4]).Append(Digits[value & 15]);
                }
            }

            name = name[length..];
        }

        return text.ToString();
    }

    /// <summary>The name of a text.</summary>
    /// <exception cref="DamagedObjectException">The text is none that <see cref="ToText"/> gives, or the name would have a byte that is zero.</exception>
    public static byte[] ToBytes(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!text.Contains('\\'))
        {
            return Checked(Encoding.UTF8.GetBytes(text), text);
        }

        var bytes = new ArrayBufferWriter<byte>(text.Length);
        for (var rest = text.AsSpan(); rest.Length > 0;)
        {
            var plain = rest.IndexOf('\\') is var at and >= 0 ? rest[..at] : rest;
            Encoding.UTF8.GetBytes(plain, bytes);
            rest = rest[plain.Length..];
            if (rest.Length == 0)
            {
                break;
            }

            if (rest.Length < EscapeLength || rest[1] != 'x' || !byte.TryParse(rest[2..EscapeLength], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            {
                throw NotAText(text);
            }

            bytes.Write([value]);
            rest = rest[EscapeLength..];
        }

        return Checked(bytes.WrittenSpan.ToArray(), text);
    }

    // An escape for what needs none could be a second name for one file, or a slash, where nobody looks for one.
    static byte[] Checked(byte[] bytes, string text) => !bytes.Contains((byte)0) && ToText(bytes) == text ? bytes : throw NotAText(text);

    static DamagedObjectException NotAText(string text) => new($"\"{ManifestPath.Printable(text)}\" is not how a name is written");
}
