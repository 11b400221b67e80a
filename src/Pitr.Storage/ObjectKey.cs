using System.Text;

namespace Pitr.Storage;

/// <summary>
/// The rules every key follows on every store, chosen so that each key is also a legal relative file name: parts joined by <c>/</c>,
/// no part empty, <c>.</c>, <c>..</c>, longer than 255 bytes or starting with <see cref="ReservedPrefix"/>; no control characters;
/// no unpaired surrogates; at most 1024 bytes of UTF-8 in all; the first part not <see cref="FileSystemDirectory"/>.
/// </summary>
public static class ObjectKey
{
    /// <summary>Longest key, in bytes of UTF-8 (the limit of S3).</summary>
    public const int MaxBytes = 1024;

    /// <summary>Longest part between two slashes, in bytes of UTF-8 (NAME_MAX of Linux file systems).</summary>
    public const int MaxPartBytes = 255;

    /// <summary>What the names of unfinished objects start with on stores that need such names; no key has a part like that.</summary>
    public const string ReservedPrefix = ".tmp-";

    /// <summary>The directory that ext file systems keep at their root, which may be a repository's root.</summary>
    public const string FileSystemDirectory = "lost+found";

    static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Returns the key, or says what is wrong with it.</summary>
    /// <exception cref="ArgumentException">The key breaks a rule; the message names key and rule.</exception>
    public static string Validate(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Fault(key) is { } fault ? throw new ArgumentException($"object key \"{Printable(key)}\" {fault}", nameof(key)) : key;
    }

    /// <summary>Whether the key follows the rules.</summary>
    public static bool IsValid(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Fault(key) is null;
    }

    /// <summary>
    /// Returns the prefix, or says what is wrong with it. A prefix is empty or the beginning of a valid key.
    /// With <see cref="ListMode.Children"/> it must be empty or end in <c>/</c>.
    /// </summary>
    /// <exception cref="ArgumentException">The prefix breaks a rule; the message names prefix and rule.</exception>
    public static string ValidatePrefix(string prefix, ListMode mode)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        if (prefix.Length == 0)
        {
            return prefix;
        }

        if (mode == ListMode.Children && prefix[^1] != '/')
        {
            throw new ArgumentException($"prefix \"{Printable(prefix)}\" must end in \"/\" to list its children", nameof(prefix));
        }

        // What follows the last slash need not be a whole part: "a/." is the beginning of "a/.b".
        var slash = prefix.LastIndexOf('/');
        var whole = prefix[(slash + 1)..] is "" or "." or ".." ? prefix[..Math.Max(slash, 0)] : prefix;
        var fault = whole.Length == 0 && slash < 0 ? null : Fault(whole);
        return fault is null ? prefix : throw new ArgumentException($"prefix \"{Printable(prefix)}\" {fault}", nameof(prefix));
    }

    /// <summary>
    /// The order of listings: by the bytes of the UTF-8 form, which is also the order of code points and what object stores sort by.
    /// For ASCII keys it is the ordinal order of strings.
    /// </summary>
    public static int Compare(string left, string right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        var same = left.AsSpan().CommonPrefixLength(right);
        return same == left.Length || same == right.Length
            ? left.Length.CompareTo(right.Length)
            : Rank(left[same]).CompareTo(Rank(right[same]));
    }

    // UTF-16 puts surrogates, which begin the highest code points, below U+E000..U+FFFF; UTF-8 does not.
    static int Rank(char c) => c < 0xD800 ? c : c < 0xE000 ? c + 0x2000 : c - 0x800;

    static string? Fault(string key)
    {
        if (key.Length == 0)
        {
            return "is empty";
        }

        foreach (var c in key)
        {
            if (char.IsControl(c))
            {
                return $"holds the control character U+{(int)c:X4}";
            }
        }

        try
        {
            var bytes = StrictUtf8.GetByteCount(key);
            if (bytes > MaxBytes)
            {
                return $"is {bytes} bytes long, at most {MaxBytes} are allowed";
            }
        }
        catch (EncoderFallbackException)
        {
            return "holds an unpaired surrogate";
        }

        foreach (var range in key.AsSpan().Split('/'))
        {
            var part = key.AsSpan(range);
            if (part.IsEmpty)
            {
                return "has an empty part (a leading, trailing or doubled \"/\")";
            }

            if (part is "." or "..")
            {
                return $"has the part \"{part}\"";
            }

            if (part.StartsWith(ReservedPrefix, StringComparison.Ordinal))
            {
                return $"has a part starting with \"{ReservedPrefix}\", which is kept for unfinished objects";
            }

            var bytes = StrictUtf8.GetByteCount(part);
            if (bytes > MaxPartBytes)
            {
                return $"has a part of {bytes} bytes, at most {MaxPartBytes} are allowed";
            }
        }

        return key.StartsWith(FileSystemDirectory, StringComparison.Ordinal) && key.AsSpan(FileSystemDirectory.Length) is [] or ['/', ..]
            ? $"starts with \"{FileSystemDirectory}\", which belongs to the file system"
            : null;
    }

    static string Printable(string key)
    {
        var text = new StringBuilder();
        foreach (var c in key.Length > 200 ? key.AsSpan(0, 200) : key)
        {
            if (char.IsControl(c) || char.IsSurrogate(c))
            {
                text.Append("\\u").Append(((int)c).ToString("X4"));
            }
            else
            {
                text.Append(c);
            }
        }

        return key.Length > 200 ? text.Append('…').ToString() : text.ToString();
    }
}
