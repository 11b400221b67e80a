namespace Pitr.EndToEnd.Tests.Programs;

/// <summary>A new, empty place for a repository on a real S3, SFTP or FTP server, as a user would configure it.</summary>
sealed class RemoteRepository : IAsyncDisposable
{
    readonly StorageServer _server;

    RemoteRepository(StorageServer server, string url, params string[] options) => (_server, Url, Options) = (server, url, options);

    public string Url { get; }

    /// <summary>For `pitr init --repository-option`.</summary>
    public IReadOnlyList<string> Options { get; }

    /// <summary>What the options refer to.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    /// <summary>Must not be seen anywhere; null when there is none.</summary>
    public string? Secret { get; private init; }

    /// <param name="kind">A script of <c>scripts/services.d</c>.</param>
    /// <param name="directory">For a file with the secret.</param>
    public static async Task<RemoteRepository> StartAsync(string kind, TestDirectory directory)
    {
        var place = "e2e-" + Guid.NewGuid().ToString("N");
        switch (kind)
        {
            case "ceph-rgw":
                var s3 = await StorageServer.StartAsync(kind, "S3_");
                return new RemoteRepository(
                    s3,
                    $"s3://{s3["S3_BUCKET"]}/{place}",
                    $"endpoint={s3["S3_ENDPOINT"]}",
                    "access-key=${S3_KEY}",
                    $"secret-key=file:{SecretFile(directory, s3["S3_SECRET_KEY"])}")
                {
                    Environment = { ["S3_KEY"] = s3["S3_ACCESS_KEY"] },
                    Secret = s3["S3_SECRET_KEY"],
                };
            case "sshd":
                var sftp = await StorageServer.StartAsync(kind, "SFTP_");
                return new RemoteRepository(
                    sftp,
                    $"sftp://{sftp["SFTP_USER"]}@{sftp["SFTP_HOST"]}:{sftp["SFTP_PORT"]}{sftp["SFTP_PATH"]}/{place}",
                    $"identity-file={sftp["SFTP_IDENTITY"]}",
                    $"known-hosts={sftp["SFTP_KNOWN_HOSTS"]}",
                    "concurrency=8");
            default:
                var ftp = await StorageServer.StartAsync(kind, "FTP_");
                return new RemoteRepository(
                    ftp, $"ftp://{ftp["FTP_USER"]}@{ftp["FTP_HOST"]}:{ftp["FTP_PORT"]}/{place}/pitr", "password=${FTP_PASSWORD}", $"ca-file={ftp["FTP_CA"]}")
                {
                    Environment = { ["FTP_PASSWORD"] = ftp["FTP_PASSWORD"] },
                    Secret = ftp["FTP_PASSWORD"],
                };
        }
    }

    static string SecretFile(TestDirectory directory, string secret)
    {
        var path = directory["secret"];
        File.WriteAllText(path, secret + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return path;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
