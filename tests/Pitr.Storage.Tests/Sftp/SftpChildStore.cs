using System.Globalization;
using Pitr.Storage.Sftp;

namespace Pitr.Storage.Tests.Sftp;

/// <summary>Options as a string, for another process.</summary>
static class SftpChildStore
{
    public const string Scheme = "sftp-test";

    public static string Write(SftpOptions options)
    {
        string?[] fields =
            [options.Host, options.Path, options.Port?.ToString(CultureInfo.InvariantCulture), options.User, options.IdentityFile, options.KnownHostsFile];
        return $"{Scheme}://child/?{string.Join('&', fields.Select(field => Uri.EscapeDataString(field ?? "")))}";
    }

    public static IObjectStore Open(Uri url)
    {
        var fields = url.Query[1..].Split('&').Select(field => field.Length == 0 ? null : Uri.UnescapeDataString(field)).ToArray();
        return new SftpObjectStore(
            "child",
            new SftpOptions
            {
                Host = fields[0]!,
                Path = fields[1]!,
                Port = fields[2] is { } port ? int.Parse(port) : null,
                User = fields[3],
                IdentityFile = fields[4],
                KnownHostsFile = fields[5],
                ConfigFile = "/dev/null",
            },
            TimeProvider.System);
    }
}
