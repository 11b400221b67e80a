using System.Globalization;
using System.Text;
using Pitr.Format.Manifests;

namespace Pitr.Operations.Files;

/// <summary>
/// A pattern for paths: <c>*</c> any characters but a slash, <c>?</c> one, <c>[a-z]</c> one of these, <c>[!a-z]</c> one that is none of these, <c>**</c> as a whole part any number of parts,
/// also none; <c>\xHH</c> a byte, <c>\</c> before anything else that character itself. With a slash at its beginning it is held against the whole path, else against its last parts. With a slash at its
/// end it matches directories only. docs/files.md is its description.
/// </summary>
public sealed class Glob
{
    // A byte that is no text becomes half a surrogate pair, which no text holds.
    const char FirstByte = '\uDC00';
    const string AnyParts = "**";

    readonly List<List<GlobToken>?> _parts = [];
    readonly bool _onlyDirectories;

    Glob(string text)
    {
        Text = text;
        _onlyDirectories = text.EndsWith('/') && text != "/";
        var parts = text.Trim('/').Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (text[0] != '/')
        {
            _parts.Add(null);
        }

        foreach (var part in parts)
        {
            _parts.Add(part == AnyParts ? null : GlobToken.Parse(part));
        }
    }

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>Reads one.</summary>
    /// <exception cref="FormatException">It makes no sense.</exception>
    public static Glob Parse(string text) => Problem(text) is { } problem ? throw new FormatException($"\"{text}\" {problem}") : new Glob(text);

    /// <summary>What is wrong with the text of one; null if nothing.</summary>
    public static string? Problem(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length == 0)
        {
            return "is empty";
        }

        var parts = text.Trim('/').Split('/');
        if (text != "/" && parts.Any(part => part is "" or "." or ".."))
        {
            return "has an empty part, \".\" or \"..\"";
        }

        return parts.Where(part => part != AnyParts).Select(GlobToken.Problem).FirstOrDefault(problem => problem is not null);
    }

    /// <summary>A path of a manifest as globs are held against it.</summary>
    /// <param name="path">As <see cref="EscapedBytes"/> writes it.</param>
    public static string TextOf(string path)
    {
        if (!path.Contains('\\'))
        {
            return path;
        }

        var text = new StringBuilder(path.Length);
        ReadOnlySpan<byte> bytes = EscapedBytes.ToBytes(path);
        Span<char> characters = stackalloc char[2];
        while (bytes.Length > 0)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var length) == System.Buffers.OperationStatus.Done)
            {
                text.Append(characters[..rune.EncodeToUtf16(characters)]);
            }
            else
            {
                foreach (var value in bytes[..length])
                {
                    text.Append((char)(FirstByte + value));
                }
            }

            bytes = bytes[length..];
        }

        return text.ToString();
    }

    /// <summary>The character that stands for a byte.</summary>
    internal static char OfByte(byte value) => value < 0x80 ? (char)value : (char)(FirstByte + value);

    /// <summary>Whether it matches a path itself, not one above it.</summary>
    /// <param name="path">From <see cref="TextOf"/>, without a slash at its beginning; empty for the root of all.</param>
    /// <param name="isDirectory">Whether the path is a directory's.</param>
    public bool Matches(ReadOnlySpan<char> path, bool isDirectory) => (isDirectory || !_onlyDirectories) && Matches(0, path);

    bool Matches(int part, ReadOnlySpan<char> path)
    {
        for (; part < _parts.Count; part++)
        {
            if (_parts[part] is not { } tokens)
            {
                return MatchesAnywhere(part, path);
            }

            if (path.Length == 0)
            {
                return false;
            }

            var end = path.IndexOf('/');
            if (!GlobToken.Match(tokens, end < 0 ? path : path[..end]))
            {
                return false;
            }

            path = end < 0 ? [] : path[(end + 1)..];
        }

        return path.Length == 0;
    }

    bool MatchesAnywhere(int part, ReadOnlySpan<char> path)
    {
        while (part + 1 < _parts.Count && _parts[part + 1] is null)
        {
            part++;
        }

        while (true)
        {
            if (Matches(part + 1, path))
            {
                return true;
            }

            if (path.Length == 0)
            {
                return false;
            }

            var end = path.IndexOf('/');
            path = end < 0 ? [] : path[(end + 1)..];
        }
    }
}
