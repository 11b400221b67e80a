using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Pitr.Format.Catalog;

/// <summary>
/// The digest at the end of a clear document: a last member <c>sha256</c> over everything before it. It finds what a disk, a line or a program has changed;
/// against people it proves nothing. A reader that restores does not ask for it: half of a document is better than none.
/// </summary>
public static class DocumentDigest
{
    const int Digits = 64;

    static ReadOnlySpan<byte> Opening => ",\n  \"sha256\": \""u8;

    static ReadOnlySpan<byte> Closing => "\"\n}"u8;

    static ReadOnlySpan<byte> End => "\n}"u8;

    /// <summary>Adds it.</summary>
    /// <param name="document">An indented JSON object with at least one member, which ends with LF and a brace.</param>
    /// <returns>The document with the digest as its last member; no LF behind it.</returns>
    public static byte[] Append(ReadOnlySpan<byte> document)
    {
        if (!document.EndsWith(End))
        {
            throw new ArgumentException("not an indented JSON object", nameof(document));
        }

        var body = document[..^End.Length];
        return [.. body, .. Opening, .. Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(body))), .. Closing];
    }

    /// <summary>Holds a document against its digest. One without any, as earlier versions wrote it, passes if it is JSON.</summary>
    /// <returns>Whether it has one.</returns>
    /// <exception cref="DamagedObjectException">It was changed since it was written, or is not JSON.</exception>
    public static bool Require(ReadOnlySpan<byte> document)
    {
        RequireJson(document);
        var text = document.EndsWith("\n"u8) ? document[..^1] : document;
        var length = Opening.Length + Digits + Closing.Length;
        if (text.Length < length || !text.EndsWith(Closing))
        {
            return false;
        }

        var body = text[..^length];
        var opening = text.Slice(body.Length, Opening.Length);
        var digits = text.Slice(body.Length + Opening.Length, Digits);
        // Either of them alone tells that there was a digest: one flipped bit does not make it look like a document without one.
        if (!opening.SequenceEqual(Opening) && digits.ContainsAnyExcept("0123456789abcdef"u8))
        {
            return false;
        }

        return opening.SequenceEqual(Opening) && digits.SequenceEqual(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(body))))
            ? true
            : throw new DamagedObjectException("its content does not have the SHA-256 it was written with: it was changed");
    }

    static void RequireJson(ReadOnlySpan<byte> document)
    {
        try
        {
            var reader = new Utf8JsonReader(document);
            while (reader.Read())
            {
                // To the end, where something may follow.
            }
        }
        catch (JsonException e)
        {
            throw new DamagedObjectException($"it is not JSON: {e.Message}", e);
        }
    }
}
