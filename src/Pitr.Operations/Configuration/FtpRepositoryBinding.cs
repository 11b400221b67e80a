using Pitr.Storage.Ftp;

namespace Pitr.Operations.Configuration;

/// <summary>Reads the URL and the keys of an <c>ftp:</c> or <c>ftps:</c> repository.</summary>
static class FtpRepositoryBinding
{
    public const string Scheme = "ftp";
    public const string ImplicitScheme = "ftps";

    const string Example = "ftp://user@host/path/below/the/login or ftp://user@host//absolute/path";
    const int DefaultPort = 21;
    const int DefaultImplicitPort = 990;

    static readonly FtpOptions Defaults = new() { Host = "host", User = "user", Password = "" };

    /// <summary>TLS after the greeting, or none.</summary>
    public static DriverSettings? Bind(YamlSection section, ScalarValue url) =>
        Bind(section, url, Scheme, FtpDriverSettings.TlsModes.Read(section, "tls", Defaults.Tls));

    /// <summary>TLS from the first byte.</summary>
    public static DriverSettings? BindImplicit(YamlSection section, ScalarValue url) => Bind(section, url, ImplicitScheme, FtpTlsMode.Implicit);

    static FtpDriverSettings? Bind(YamlSection section, ScalarValue url, string scheme, FtpTlsMode tls)
    {
        var user = section.OptionalText("user", "user name");
        var password = section.Secret("password", isRequired: true);
        var options = Defaults with
        {
            Tls = tls,
            CaFile = section.OptionalPath("ca-file"),
            CurlProgram = section.OptionalText("curl-program", "program", Defaults.CurlProgram)?.Text ?? Defaults.CurlProgram,
            Connections = RepositoryBinding.Connections(section, Defaults.Connections),
            ConnectTimeout = RepositoryBinding.ConnectTimeout(section, Defaults.ConnectTimeout),
            StallTimeout = RepositoryBinding.StallTimeout(section, Defaults.StallTimeout),
        };
        if (RepositoryUrl.Parse(section, url, Example, "give it as the key \"password\": ${VARIABLE} or file:/path") is not { } parsed
            || UserOf(section, url, user, parsed.User) is not { } name)
        {
            return null;
        }
        // The first slash ends the host; what follows is the path (RFC 1738 §3.2.2).
        var isAbsolute = parsed.Path.StartsWith("//", StringComparison.Ordinal);
        if (RepositoryUrl.Joined(parsed.Path) is not { } joined)
        {
            section.Report(url.Where, $"{section.Of("url")} has the part \"..\"", "write the path without it");
            return null;
        }
        var port = parsed.Port == (tls == FtpTlsMode.Implicit ? DefaultImplicitPort : DefaultPort) ? null : parsed.Port;
        var place = parsed with { User = name, Host = parsed.Host.ToLowerInvariant(), Port = port };
        var path = isAbsolute ? "/" + joined : joined;
        return password is null
            ? null
            : new FtpDriverSettings(place.Spelt(scheme, path), options with { Host = place.Host, Port = port, User = name, Path = path }, password);
    }

    static string? UserOf(YamlSection section, ScalarValue url, ScalarValue? written, string? inUrl)
    {
        if (written is { } user && inUrl is not null && user.Text != inUrl)
        {
            section.Report(user.Where, $"{section.Of("user")} is another user than the one in \"url\"", "keep one of them");
            return null;
        }
        if (written?.Text is null && inUrl is null)
        {
            section.Report(url.Where, $"{section.Title} lacks a user", $"add \"user\", or write it into the URL: {Example}");
            return null;
        }
        return written?.Text ?? inUrl;
    }
}
