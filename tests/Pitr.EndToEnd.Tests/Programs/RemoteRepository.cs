using System.Globalization;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Pitr.EndToEnd.Tests.Clusters;

namespace Pitr.EndToEnd.Tests.Programs;

/// <summary>A new, empty place for a repository on a real S3, SFTP or FTP server, as a user would configure it.</summary>
sealed class RemoteRepository : IAsyncDisposable
{
    readonly StorageServer _server;
    readonly Wire? _wire;

    RemoteRepository(StorageServer server, Wire? wire, string url, params string[] options) => (_server, _wire, Url, Options) = (server, wire, url, options);

    public string Url { get; }

    /// <summary>For `pitr init --repository-option`.</summary>
    public IReadOnlyList<string> Options { get; }

    /// <summary>What the options refer to.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    /// <summary>Must not be seen anywhere; null when there is none.</summary>
    public string? Secret { get; private init; }

    /// <summary>The line to the server.</summary>
    /// <exception cref="InvalidOperationException">It cannot be cut: FTP opens a connection of its own for each file.</exception>
    public Wire Wire => _wire ?? throw new InvalidOperationException("this line cannot be cut");

    /// <summary>Starts the server.</summary>
    /// <param name="kind">A script of <c>scripts/services.d</c>: ceph-rgw, sshd or ftpd.</param>
    /// <param name="directory">For the files that belong to it.</param>
    public static async Task<RemoteRepository> StartAsync(string kind, TestDirectory directory)
    {
        var place = "e2e-" + Guid.NewGuid().ToString("N");
        return kind switch
        {
            "ceph-rgw" => OnS3(await StorageServer.StartAsync(kind, "S3_"), bucket: null, place, directory),
            "sshd" => await OnSftpAsync(await StorageServer.StartAsync(kind, "SFTP_"), place, directory),
            _ => OnFtp(await StorageServer.StartAsync(kind, "FTP_"), place),
        };
    }

    static RemoteRepository OnS3(StorageServer server, string? bucket, string place, TestDirectory directory, params string[] more)
    {
        var wire = new Wire("127.0.0.1", new Uri(server["S3_ENDPOINT"]).Port);
        var secret = directory["secret"];
        File.WriteAllText(secret, server["S3_SECRET_KEY"] + "\n");
        File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return new RemoteRepository(
            server, wire, $"s3://{bucket ?? server["S3_BUCKET"]}/{place}", [$"endpoint=http://127.0.0.1:{wire.Port}", "access-key=${S3_KEY}", $"secret-key=file:{secret}", .. more])
        {
            Environment = { ["S3_KEY"] = server["S3_ACCESS_KEY"] },
            Secret = server["S3_SECRET_KEY"],
        };
    }

    /// <summary>A bucket of its own on the S3 server, with object lock: everything made in it is kept for a day.</summary>
    /// <param name="directory">For the files that belong to it.</param>
    public static async Task<(RemoteRepository Repository, AmazonS3Client Client, string Bucket)> StartLockedAsync(TestDirectory directory)
    {
        var server = await StorageServer.StartAsync("ceph-rgw", "S3_");
        var client = new AmazonS3Client(
            new BasicAWSCredentials(server["S3_ACCESS_KEY"], server["S3_SECRET_KEY"]),
            new AmazonS3Config { ServiceURL = server["S3_ENDPOINT"], ForcePathStyle = true, AuthenticationRegion = "us-east-1" });
        var bucket = "e2e-" + Guid.NewGuid().ToString("N");
        await client.PutBucketAsync(new PutBucketRequest { BucketName = bucket, ObjectLockEnabledForBucket = true });
        return (OnS3(server, bucket, "pitr", directory, "object-lock=governance", "object-lock-days=1"), client, bucket);
    }

    /// <summary>Everything that a bucket with versions holds, what is hidden as well.</summary>
    public static async Task<IReadOnlyList<S3ObjectVersion>> VersionsAsync(AmazonS3Client s3, string bucket)
    {
        var found = new List<S3ObjectVersion>();
        var request = new ListVersionsRequest { BucketName = bucket };
        ListVersionsResponse page;
        do
        {
            page = await s3.ListVersionsAsync(request);
            found.AddRange(page.Versions ?? []);
            (request.KeyMarker, request.VersionIdMarker) = (page.NextKeyMarker, page.NextVersionIdMarker);
        }
        while (page.IsTruncated == true);
        return found;
    }

    static async Task<RemoteRepository> OnSftpAsync(StorageServer server, string place, TestDirectory directory)
    {
        var port = int.Parse(server["SFTP_PORT"], CultureInfo.InvariantCulture);
        var wire = new Wire("127.0.0.1", port);
        var known = directory["known_hosts"];
        await File.WriteAllTextAsync(known, (await File.ReadAllTextAsync(server["SFTP_KNOWN_HOSTS"])).Replace($"]:{port}", $"]:{wire.Port}", StringComparison.Ordinal));
        return new RemoteRepository(
            server,
            wire,
            $"sftp://{server["SFTP_USER"]}@127.0.0.1:{wire.Port}{server["SFTP_PATH"]}/{place}",
            $"identity-file={server["SFTP_IDENTITY"]}",
            $"known-hosts={known}",
            "concurrency=8");
    }

    static RemoteRepository OnFtp(StorageServer server, string place) => new(
        server, null, $"ftp://{server["FTP_USER"]}@{server["FTP_HOST"]}:{server["FTP_PORT"]}/{place}/pitr", "password=${FTP_PASSWORD}", $"ca-file={server["FTP_CA"]}")
    {
        Environment = { ["FTP_PASSWORD"] = server["FTP_PASSWORD"] },
        Secret = server["FTP_PASSWORD"],
    };

    /// <summary>Gives it as <c>offsite</c> to a host whose configuration `pitr init` wrote, and makes the repository.</summary>
    /// <param name="host">The host.</param>
    /// <param name="repositories">What follows <c>repositories:</c> of the service.</param>
    public async Task AddToAsync(PitrHost host, string repositories)
    {
        foreach (var (name, value) in Environment)
        {
            host.Environment[name] = value;
        }

        var keys = string.Concat(Options.Prepend($"url={Url}").Select(option => option.Split('=', 2)).Select(key => $"    {key[0]}: {key[1]}\n"));
        var text = (await File.ReadAllTextAsync(host.ConfigurationFile))
            .Replace("\n# Everything stored is sealed", $"\n  offsite:\n{keys}\n# Everything stored is sealed", StringComparison.Ordinal)
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
