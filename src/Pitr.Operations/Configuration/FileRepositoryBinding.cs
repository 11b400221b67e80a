namespace Pitr.Operations.Configuration;

/// <summary>Reads the URL of a <c>file:</c> repository, which has no keys of its own.</summary>
static class FileRepositoryBinding
{
    const string Example = "write file:///path/of/the/directory";

    public static DriverSettings? Bind(YamlSection section, ScalarValue url)
    {
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
            section.Report(url.Where, $"{section.Of("url")} must be a file URL with an absolute path and no host", Example);
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
        return FileDriverSettings.Of(directory);
    }
}
