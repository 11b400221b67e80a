namespace Pitr.Operations.Configuration;

/// <summary>Reads one entry of <c>repositories</c>. A new driver is registered here with the keys it knows.</summary>
static class RepositoryBinding
{
    static readonly string[] Schemes = ["file"];

    /// <returns>Null if there is no usable URL; everything wrong has been reported.</returns>
    public static (RepositorySettings Settings, ConfigurationLocation Where)? Bind(YamlSection section)
    {
        var url = section.RequiredText("url", "URL");
        if (url is { } written && SchemeOf(written.Text) is { } scheme && !Schemes.Contains(scheme))
        {
            section.Report(
                written.Where,
                $"{section.Of("url")}: no driver for {scheme}: in this version",
                $"available: {string.Join(", ", Schemes.Select(known => known + ":"))}");
            // What else stands here is for that driver to judge.
            section.LeaveUnread();
            return null;
        }
        var retry = ConfigurationBinding.Retry(section.Section("retry"));
        section.Close();
        return url is { } value && FileUrl(section, value) is { } location
            ? (new RepositorySettings(section.Name, location, retry, new Dictionary<string, string>(StringComparer.Ordinal)), value.Where)
            : null;
    }

    /// <summary>The part before the colon if it looks like a scheme (RFC 3986 §3.1), in lower case.</summary>
    static string? SchemeOf(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 1 && Uri.CheckSchemeName(text[..colon]) ? text[..colon].ToLowerInvariant() : null;
    }

    static Uri? FileUrl(YamlSection section, ScalarValue url)
    {
        if (SchemeOf(url.Text) is null)
        {
            section.Report(
                url.Where,
                $"{section.Of("url")} is no URL",
                url.Text.StartsWith('/') ? $"did you mean \"file://{url.Text}\"?" : "write file:///path/of/the/directory");
            return null;
        }
        // Judged as text first: Uri takes file:a and file://a/b for things on other hosts or not at all.
        var path = url.Text["file:".Length..];
        if (path.StartsWith("//", StringComparison.Ordinal))
        {
            path = path[2..];
        }
        if (!path.StartsWith('/')
            || path.StartsWith("//", StringComparison.Ordinal)
            || !Uri.TryCreate("file://" + path, UriKind.Absolute, out var uri))
        {
            section.Report(
                url.Where,
                $"{section.Of("url")} must be a file URL with an absolute path and no host",
                "write file:///path/of/the/directory");
            return null;
        }
        if (uri.Query.Length > 0 || uri.Fragment.Length > 0)
        {
            section.Report(url.Where, $"{section.Of("url")} holds ? or #", "write %3F for ? and %23 for #");
            return null;
        }
        var directory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(uri.LocalPath));
        if (directory == "/")
        {
            section.Report(url.Where, $"{section.Of("url")} is the root directory", "give the repository a directory of its own");
            return null;
        }
        // One spelling for one directory, so that equal places compare equal.
        var escaped = string.Join('/', directory.Split('/').Select(Uri.EscapeDataString));
        return new Uri("file://" + escaped);
    }
}
