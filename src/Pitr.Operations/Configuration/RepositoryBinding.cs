namespace Pitr.Operations.Configuration;

/// <summary>Reads one entry of <c>repositories</c>. A new driver is registered here.</summary>
static class RepositoryBinding
{
    const int MostOperations = 1024;
    const int MostConnections = 64;

    static readonly (string Scheme, Func<YamlSection, ScalarValue, DriverSettings?> Bind)[] Drivers =
    [
        ("file", FileRepositoryBinding.Bind),
        ("s3", S3RepositoryBinding.Bind),
        ("sftp", SftpRepositoryBinding.Bind),
        (FtpRepositoryBinding.Scheme, FtpRepositoryBinding.Bind),
        (FtpRepositoryBinding.ImplicitScheme, FtpRepositoryBinding.BindImplicit),
    ];

    /// <summary>Every scheme a repository's URL may have.</summary>
    public static IReadOnlyList<string> Schemes { get; } = [.. Drivers.Select(driver => driver.Scheme)];

    /// <returns>Null if there is no usable URL; everything wrong has been reported.</returns>
    public static (RepositorySettings Settings, ConfigurationLocation Where)? Bind(YamlSection section)
    {
        var url = section.RequiredText("url", "URL");
        var scheme = url is { } written ? RequiredScheme(section, written) : null;
        if (scheme is null)
        {
            // What else stands here is for the driver to judge.
            section.LeaveUnread();
            return null;
        }
        var driver = DriverOf(scheme)(section, url!.Value);
        var limits = new LimitSettings(
            section.OptionalRate("upload-limit", ConfigurationUnits.SlowestRate),
            section.OptionalRate("download-limit", ConfigurationUnits.SlowestRate),
            section.OptionalInteger("concurrency", 1, MostOperations));
        var retry = ConfigurationBinding.Retry(section.Section("retry"));
        section.Close(key => ForeignHint(key, scheme));
        if (driver?.Fault() is { } fault)
        {
            section.Report(url.Value.Where, $"{section.Title}: {fault}");
            return null;
        }
        return driver is null ? null : (new RepositorySettings(section.Name, driver, retry, limits), url.Value.Where);
    }

    /// <summary>The keys that a repository of a scheme may have, those of every repository among them.</summary>
    public static IReadOnlyList<string> KeysOf(string scheme) => Keys.Value[scheme];

    /// <summary>How many connections a driver may hold.</summary>
    internal static int Connections(YamlSection section, int defaultValue) =>
        section.Integer("connections", defaultValue, 1, MostConnections, "2 for sftp:, 8 for ftp: and ftps:");

    /// <summary>How long connecting may take.</summary>
    internal static TimeSpan ConnectTimeout(YamlSection section, TimeSpan defaultValue) =>
        section.Duration("connect-timeout", defaultValue, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5), "10s for s3:, else 30s");

    /// <summary>How long nothing may move.</summary>
    internal static TimeSpan StallTimeout(YamlSection section, TimeSpan defaultValue) =>
        section.Duration("stall-timeout", defaultValue, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));

    // Keys are declared by reading them.
    static readonly Lazy<Dictionary<string, IReadOnlyList<string>>> Keys = new(() => Schemes.ToDictionary(
        scheme => scheme,
        scheme =>
        {
            var section = YamlSection.Root(new ConfigurationReading("", _ => null), new YamlDotNet.RepresentationModel.YamlMappingNode("url", $"{scheme}://"));
            Bind(section);
            return section.KnownKeys;
        },
        StringComparer.Ordinal));

    static Func<YamlSection, ScalarValue, DriverSettings?> DriverOf(string scheme) =>
        Drivers.First(driver => string.Equals(driver.Scheme, scheme, StringComparison.Ordinal)).Bind;

    static string? ForeignHint(string key, string scheme)
    {
        var owners = Schemes.Where(other => KeysOf(other).Contains(key)).Select(other => other + ":").ToList();
        return owners.Count == 0 ? null : $"\"{key}\" belongs to {string.Join(" and ", owners)}, and this is {scheme}:";
    }

    static string? RequiredScheme(YamlSection section, ScalarValue url)
    {
        var scheme = SchemeOf(url.Text);
        if (scheme is null)
        {
            section.Report(
                url.Where,
                $"{section.Of("url")} is no URL",
                url.Text.StartsWith('/') ? $"did you mean \"file://{url.Text}\"?" : "write file:///path/of/the/directory");
        }
        else if (!Schemes.Contains(scheme))
        {
            section.Report(
                url.Where,
                $"{section.Of("url")}: no driver for {ConfigurationReading.Shown(scheme)}: in this version",
                NearestName.Hint(scheme, Schemes, "available"));
            return null;
        }
        return scheme;
    }

    /// <summary>The part before the colon if it looks like a scheme (RFC 3986 §3.1), in lower case.</summary>
    static string? SchemeOf(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 1 && Uri.CheckSchemeName(text[..colon]) ? text[..colon].ToLowerInvariant() : null;
    }
}
