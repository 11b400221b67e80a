using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Pitr.Operations.Configuration;

/// <summary>
/// A repository's URL taken apart (RFC 3986 §3), percent-decoded. <see cref="Uri"/> is not asked: it joins what it takes for one path, forgets
/// case, and knows other rules for each scheme. No message repeats a part of the URL, because the part may be a misplaced password.
/// </summary>
/// <param name="User">What stands before the <c>@</c>, or null.</param>
/// <param name="Host">A name as it was written, or an address; an IPv6 address without brackets.</param>
/// <param name="Port">1 to 65535, or null.</param>
/// <param name="Path">What follows the host: empty, or beginning with <c>/</c>.</param>
sealed record RepositoryUrl(string? User, string Host, int? Port, string Path)
{
    static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads <c>scheme://[user@]host[:port][/path]</c>.</summary>
    /// <returns>Null if that is not what it is, which has been reported.</returns>
    public static RepositoryUrl? Parse(YamlSection section, ScalarValue url, string example, string passwordHint)
    {
        var rest = url.Text[(url.Text.IndexOf(':', StringComparison.Ordinal) + 1)..];
        if (!rest.StartsWith("//", StringComparison.Ordinal))
        {
            return Refuse("lacks the \"//\" before the host", $"write {example}");
        }
        rest = rest[2..];
        var end = rest.AsSpan().IndexOfAny("/?#");
        var authority = end < 0 ? rest : rest[..end];
        var path = end < 0 ? "" : rest[end..];
        var at = authority.LastIndexOf('@');
        if (at >= 0 && authority.AsSpan(0, at).Contains(':'))
        {
            return Refuse("holds a password", passwordHint);
        }
        var user = at < 0 ? null : Decoded(authority[..at]);
        if (at >= 0 && string.IsNullOrEmpty(user))
        {
            return Refuse("has an empty or misspelt user before \"@\"", "percent-encode what is neither letter nor digit: %40 for @");
        }
        if (path.AsSpan().ContainsAny('?', '#'))
        {
            return Refuse("holds ? or #", "write %3F for ? and %23 for #");
        }
        if (path.Contains('@', StringComparison.Ordinal))
        {
            // me:12/3@host, too, would be a place otherwise, and be shown as one.
            return Refuse("holds an @ after the host", $"write %40 for an @ in a path; {passwordHint}");
        }
        if (Decoded(path) is not { } decoded)
        {
            return Refuse("holds a % that begins no encoded character", "write %25 for a % itself; encode UTF-8, and no control characters");
        }
        var (hostText, portText) = SplitPort(authority[(at + 1)..]);
        if (HostOf(hostText) is not { } host)
        {
            return Refuse("names no host", $"write {example}; an IPv6 address stands in [ ]");
        }
        if (portText is null)
        {
            return new RepositoryUrl(user, host, null, decoded);
        }
        return int.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is >= 1 and <= 65535
            ? new RepositoryUrl(user, host, port, decoded)
            : Refuse("has something else than a port from 1 to 65535 after the host", $"write {example}; {passwordHint}");

        RepositoryUrl? Refuse(string what, string hint)
        {
            section.Report(url.Where, $"{section.Of("url")} {what}", hint);
            return null;
        }
    }

    /// <summary>The one spelling of such a URL, with this path behind the slash that ends the host.</summary>
    public string Spelt(string scheme, string path)
    {
        var text = new StringBuilder(scheme).Append("://");
        if (User is not null)
        {
            text.Append(Uri.EscapeDataString(User)).Append('@');
        }
        text.Append(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host.Replace("%", "%25", StringComparison.Ordinal)}]" : Host);
        if (Port is { } port)
        {
            text.Append(CultureInfo.InvariantCulture, $":{port}");
        }
        return path.Length == 0 ? text.ToString() : text.Append('/').Append(Escaped(path)).ToString();
    }

    /// <summary>A path with everything escaped that is no letter, digit, <c>-</c>, <c>.</c>, <c>_</c>, <c>~</c> or slash.</summary>
    public static string Escaped(string path) => string.Join('/', path.Split('/').Select(Uri.EscapeDataString));

    /// <summary>The parts of a path without those that mean nothing; null if a part is <c>..</c>, which no server takes alike.</summary>
    public static string? Joined(string path)
    {
        var parts = path.Split('/').Where(part => part is not ("" or ".")).ToList();
        return parts.Contains("..") ? null : string.Join('/', parts);
    }

    static (string Host, string? Port) SplitPort(string text)
    {
        var colon = text.LastIndexOf(':');
        return colon < 0 || text.IndexOf(']', StringComparison.Ordinal) > colon ? (text, null) : (text[..colon], text[(colon + 1)..]);
    }

    static string? HostOf(string text)
    {
        if (text.StartsWith('[') && text.EndsWith(']'))
        {
            return Decoded(text[1..^1]) is { } inner && IPAddress.TryParse(inner, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6
                ? address.ToString()
                : null;
        }
        return text.Length > 0 && text.All(c => char.IsLetterOrDigit(c) || c is '.' or '-' or '_') && !text.StartsWith('-') ? text : null;
    }

    static string? Decoded(string text)
    {
        var bytes = new List<byte>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '%')
            {
                var length = char.IsHighSurrogate(text[i]) && i + 1 < text.Length ? 2 : 1;
                bytes.AddRange(Encoding.UTF8.GetBytes(text.Substring(i, length)));
                i += length - 1;
                continue;
            }
            if (i + 2 >= text.Length || !byte.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            {
                return null;
            }
            bytes.Add(value);
            i += 2;
        }
        try
        {
            var decoded = StrictUtf8.GetString([.. bytes]);
            return decoded.Any(char.IsControl) ? null : decoded;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
