using System.Globalization;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Repositories;

/// <summary>A repository named <c>offsite</c> at a real server, behind a line that can be cut; that of an FTP server cannot.</summary>
sealed class Offsite : IAsyncDisposable
{
    readonly StorageServer _server;
    readonly Wire? _wire;
    readonly string _yaml;
    readonly Dictionary<string, string> _environment;

    Offsite(StorageServer server, Wire? wire, string yaml, Dictionary<string, string> environment) =>
        (_server, _wire, _yaml, _environment) = (server, wire, yaml, environment);

    public Wire Wire => _wire ?? throw new InvalidOperationException("this line cannot be cut");

    /// <summary>Starts the server.</summary>
    /// <param name="kind">A script of <c>scripts/services.d</c>: ceph-rgw, sshd or ftpd.</param>
    /// <param name="directory">For what belongs to it.</param>
    public static async Task<Offsite> StartAsync(string kind, TestDirectory directory)
    {
        var unique = "offsite-" + Guid.NewGuid().ToString("N");
        switch (kind)
        {
            case "ceph-rgw":
                var rgw = await StorageServer.StartAsync(kind, "S3_");
                var s3 = new Wire("127.0.0.1", new Uri(rgw["S3_ENDPOINT"]).Port);
                return new Offsite(
                    rgw,
                    s3,
                    $$"""
                      offsite:
                        url: s3://{{rgw["S3_BUCKET"]}}/{{unique}}
                        endpoint: http://127.0.0.1:{{s3.Port}}
                        access-key: ${OFFSITE_KEY}
                        secret-key: ${OFFSITE_SECRET}

                    """,
                    new() { ["OFFSITE_KEY"] = rgw["S3_ACCESS_KEY"], ["OFFSITE_SECRET"] = rgw["S3_SECRET_KEY"] });
            case "ftpd":
                var ftpd = await StorageServer.StartAsync(kind, "FTP_");
                return new Offsite(
                    ftpd,
                    null,
                    $$"""
                      offsite:
                        url: ftp://{{ftpd["FTP_USER"]}}@{{ftpd["FTP_HOST"]}}:{{ftpd["FTP_PORT"]}}/{{unique}}/pitr
                        password: ${OFFSITE_PASSWORD}
                        ca-file: {{ftpd["FTP_CA"]}}

                    """,
                    new() { ["OFFSITE_PASSWORD"] = ftpd["FTP_PASSWORD"] });
            default:
                return await StartSftpAsync(kind, unique, directory["known_hosts"]);
        }
    }

    static async Task<Offsite> StartSftpAsync(string kind, string unique, string known)
    {
        var sshd = await StorageServer.StartAsync(kind, "SFTP_");
        var port = int.Parse(sshd["SFTP_PORT"], CultureInfo.InvariantCulture);
        var wire = new Wire("127.0.0.1", port);
        await File.WriteAllTextAsync(known, (await File.ReadAllTextAsync(sshd["SFTP_KNOWN_HOSTS"])).Replace($"]:{port}", $"]:{wire.Port}", StringComparison.Ordinal));
        return new Offsite(
            sshd,
            wire,
            $"""
              offsite:
                url: sftp://{sshd["SFTP_USER"]}@127.0.0.1:{wire.Port}{sshd["SFTP_PATH"]}/{unique}
                identity-file: {sshd["SFTP_IDENTITY"]}
                known-hosts: {known}

            """,
            []);
    }

    /// <summary>Gives it to a host whose configuration `pitr init` wrote, and makes the repository.</summary>
    /// <param name="host">The host.</param>
    /// <param name="repositories">What follows <c>repositories:</c> of the service.</param>
    public async Task AddToAsync(PitrHost host, string repositories)
    {
        foreach (var (name, value) in _environment)
        {
            host.Environment[name] = value;
        }

        var text = (await File.ReadAllTextAsync(host.ConfigurationFile))
            .Replace("\n# Everything stored is sealed", $"\n{_yaml}\n# Everything stored is sealed", StringComparison.Ordinal)
            .Replace("    repositories: [local]", $"    repositories: {repositories}", StringComparison.Ordinal);
        await File.WriteAllTextAsync(host.ConfigurationFile, text);
        (await host.RunAsync("repo", "init", "offsite")).Must();
    }

    public async ValueTask DisposeAsync()
    {
        if (_wire is not null)
        {
            await _wire.DisposeAsync();
        }

        await _server.DisposeAsync();
    }
}
