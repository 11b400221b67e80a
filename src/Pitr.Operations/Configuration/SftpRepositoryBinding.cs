using Pitr.Storage.Sftp;

namespace Pitr.Operations.Configuration;

/// <summary>Reads the URL and the keys of an <c>sftp:</c> repository.</summary>
static class SftpRepositoryBinding
{
    public const string Example = "sftp://user@host/absolute/path or sftp://user@host/~/path/below/the/login";

    // As git and curl write what is below the directory where the login leads.
    const string LoginDirectory = "~";

    static readonly SftpOptions Defaults = new() { Host = "host", Path = "/path" };

    public static DriverSettings? Bind(YamlSection section, ScalarValue url)
    {
        var options = Defaults with
        {
            IdentityFile = section.OptionalPath("identity-file"),
            ConfigFile = section.OptionalPath("ssh-config"),
            KnownHostsFile = section.OptionalPath("known-hosts"),
            HostKeyChecking = SftpDriverSettings.HostKeyChecks.Read(section, "host-key-checking", Defaults.HostKeyChecking),
            ProxyJump = section.OptionalText("proxy-jump", "[user@]host[:port], …")?.Text,
            SshProgram = section.OptionalText("ssh-program", "program", Defaults.SshProgram)?.Text ?? Defaults.SshProgram,
            Connections = RepositoryBinding.Connections(section, Defaults.Connections),
            ConnectTimeout = RepositoryBinding.ConnectTimeout(section, Defaults.ConnectTimeout),
            StallTimeout = RepositoryBinding.StallTimeout(section, Defaults.StallTimeout),
        };
        if (RepositoryUrl.Parse(section, url, Example, "sftp logs in with a key: see \"identity-file\"") is not { } parsed)
        {
            return null;
        }
        if (RepositoryUrl.Joined(parsed.Path) is not { } path)
        {
            section.Report(url.Where, $"{section.Of("url")} has the part \"..\"", "write the path without it");
            return null;
        }
        var isRelative = path == LoginDirectory || path.StartsWith(LoginDirectory + "/", StringComparison.Ordinal);
        if (path.Length == 0 || path == LoginDirectory)
        {
            section.Report(
                url.Where,
                $"{section.Of("url")} is {(isRelative ? "the login's own directory" : "the server's root directory")}",
                "give the repository a directory of its own: " + Example);
            return null;
        }
        return new SftpDriverSettings(
            parsed.Spelt("sftp", path),
            options with
            {
                Host = parsed.Host,
                Port = parsed.Port,
                User = parsed.User,
                Path = isRelative ? path[(LoginDirectory.Length + 1)..] : "/" + path,
            });
    }
}
