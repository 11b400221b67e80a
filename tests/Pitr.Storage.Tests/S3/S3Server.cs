using System.Diagnostics;
using Pitr.Storage.S3;

namespace Pitr.Storage.Tests.S3;

/// <summary>
/// The real S3 server all S3 tests share: the one that <c>PITR_TEST_S3_ENDPOINT</c>, <c>_ACCESS_KEY</c>, <c>_SECRET_KEY</c> and <c>_BUCKET</c>
/// name, else one that <c>scripts/services.d/ceph-rgw</c> starts. Where there is neither, the tests fail.
/// </summary>
public sealed class S3Server : IAsyncLifetime
{
    /// <summary>The scheme of <see cref="ChildStore"/>.</summary>
    public const string Scheme = "s3-test";

    const string Variable = "PITR_TEST_S3_";

    TemporaryDirectory? _directory;
    string? _script;

    public Uri Endpoint { get; private set; } = null!;

    public string Bucket { get; private set; } = "";

    public string AccessKey { get; private set; } = "";

    public string SecretKey { get; private set; } = "";

    /// <summary>Options for a place of its own.</summary>
    public S3Options Options(string bucket, string prefix) => new()
    {
        Bucket = bucket,
        Prefix = prefix,
        Endpoint = Endpoint,
        Credentials = S3Credentials.Static(AccessKey, SecretKey),
    };

    /// <summary>What <see cref="OpenChild"/> opens in another process; <c>?N</c> behind it makes pages of listings N keys long.</summary>
    public string ChildStore(string bucket, string prefix) => $"{Scheme}://{AccessKey}:{SecretKey}@{Endpoint.Authority}/{bucket}/{prefix}";

    internal static IObjectStore OpenChild(Uri url)
    {
        var path = Uri.UnescapeDataString(url.AbsolutePath).TrimStart('/').Split('/', 2);
        var keys = url.UserInfo.Split(':');
        return new S3ObjectStore(
            "child",
            new S3Options
            {
                Bucket = path[0],
                Prefix = path[1],
                Endpoint = new Uri($"http://{url.Authority}"),
                Credentials = S3Credentials.Static(keys[0], keys[1]),
            },
            TimeProvider.System,
            url.Query.Length > 1 ? S3Limits.Default with { PageSize = int.Parse(url.Query[1..]) } : S3Limits.Default);
    }

    public async Task InitializeAsync()
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in (string[])["ENDPOINT", "ACCESS_KEY", "SECRET_KEY", "BUCKET"])
        {
            if (Environment.GetEnvironmentVariable(Variable + name) is { Length: > 0 } value)
            {
                given[Variable + name] = value;
            }
        }

        if (given.Count == 0)
        {
            given = await StartAsync();
        }

        Endpoint = new Uri(given[Variable + "ENDPOINT"]);
        AccessKey = given[Variable + "ACCESS_KEY"];
        SecretKey = given[Variable + "SECRET_KEY"];
        Bucket = given[Variable + "BUCKET"];
    }

    public async Task DisposeAsync()
    {
        if (_script is not null)
        {
            await RunAsync(_script, "stop", _directory!["s3"]);
        }

        _directory?.Dispose();
    }

    async Task<Dictionary<string, string>> StartAsync()
    {
        _script = Find() ?? throw new InvalidOperationException(
            "there is no S3 server to test against: set PITR_TEST_S3_ENDPOINT, _ACCESS_KEY, _SECRET_KEY and _BUCKET "
            + "as `scripts/services start ceph-rgw` prints them, or run the tests inside the clone");
        _directory = new TemporaryDirectory();
        var lines = await RunAsync(_script, "start", _directory["s3"]);
        return lines.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split('=', 2))
            .ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
    }

    static string? Find()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            var script = Path.Combine(directory.FullName, "scripts", "services.d", "ceph-rgw");
            if (System.IO.File.Exists(script))
            {
                return script;
            }
        }

        return null;
    }

    static async Task<string> RunAsync(string script, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(script, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"{script} {string.Join(' ', arguments)} failed with {process.ExitCode}: {await errors}");
    }
}
