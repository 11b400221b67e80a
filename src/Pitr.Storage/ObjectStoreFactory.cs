using Pitr.Storage.File;

namespace Pitr.Storage;

/// <summary>Turns a repository's URL into a driver. Registration is this list, nothing is discovered at run time.</summary>
public static class ObjectStoreFactory
{
    /// <summary>The schemes that <see cref="Open"/> knows.</summary>
    public static IReadOnlyList<string> Schemes { get; } = [Uri.UriSchemeFile];

    /// <summary>Makes the driver for a URL. Nothing is opened or created yet.</summary>
    /// <param name="name">The repository's name in the configuration.</param>
    /// <param name="url"><c>file:///absolute/directory</c>.</param>
    /// <param name="timeProvider">The clock by which leftovers are judged old; the system's when <see langword="null"/>.</param>
    /// <exception cref="StorageException">The scheme is unknown or the URL does not fit it; the hint lists what would.</exception>
    public static IObjectStore Open(string name, Uri url, TimeProvider? timeProvider = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(url);
        if (!url.IsAbsoluteUri)
        {
            throw Unusable(name, $"\"{url.OriginalString}\" is not a URL");
        }

        if (!string.Equals(url.Scheme, Uri.UriSchemeFile, StringComparison.Ordinal))
        {
            throw Unusable(name, $"no driver for URLs of the scheme \"{url.Scheme}\"");
        }

        if (url.Host is not ("" or "localhost"))
        {
            throw Unusable(name, $"the file URL names the host \"{url.Host}\", but only local directories can be opened; did you mean file:///{url.Host}{url.AbsolutePath} ?");
        }

        if (url.Query.Length > 0 || url.Fragment.Length > 0)
        {
            throw Unusable(name, "a file URL has neither a query nor a fragment; write \"?\" and \"#\" in a path as %3F and %23");
        }

        return new FileObjectStore(name, Uri.UnescapeDataString(url.AbsolutePath), timeProvider);
    }

    static StorageException Unusable(string name, string message) =>
        new(name, key: null, message, isTransient: false, $"known schemes: {string.Join(", ", Schemes)}; for example file:///var/lib/pitr/repository");
}
