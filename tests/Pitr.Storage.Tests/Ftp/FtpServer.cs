using System.Diagnostics;
using Pitr.Storage.Ftp;

namespace Pitr.Storage.Tests.Ftp;

/// <summary>
/// A real FTP server for tests: the one that PITR_TEST_FTP_* variables describe, or one that scripts/services.d/ftpd starts for this user.
/// Where neither is possible the tests fail and say why.
/// </summary>
public sealed class FtpServer : IAsyncLifetime
{
    readonly string _directory = Directory.CreateTempSubdirectory("pitr-ftpd-").FullName;
    Dictionary<string, string> _variables = [];

    /// <summary>Whether this instance started the server, so that it may be killed.</summary>
    public bool IsOwn { get; private init; }

    public int Port => int.Parse(_variables["PITR_TEST_FTP_PORT"]);

    /// <summary>The directory of the server's disk that the login leads to.</summary>
    public string Root => _variables["PITR_TEST_FTP_ROOT"];

    public string CaFile => _variables["PITR_TEST_FTP_CA"];

    public string Password => _variables["PITR_TEST_FTP_PASSWORD"];

    /// <summary>A server of this test alone.</summary>
    public static async Task<FtpServer> StartOwnAsync()
    {
        var server = new FtpServer { IsOwn = true };
        await server.StartAsync();
        return server;
    }

    public Task InitializeAsync() => StartAsync();

    public async Task StartAsync()
    {
        string[] names = ["HOST", "PORT", "USER", "PASSWORD", "CA", "ROOT"];
        var given = names.Select(name => $"PITR_TEST_FTP_{name}").ToDictionary(name => name, Environment.GetEnvironmentVariable);
        _variables = IsOwn || given["PITR_TEST_FTP_PORT"] is null
            ? await ScriptAsync("start")
            : given.ToDictionary(pair => pair.Key, pair => pair.Value ?? throw new InvalidOperationException($"{pair.Key} is not set, but PITR_TEST_FTP_PORT is"));
    }

    public Task StopAsync() => ScriptAsync("stop");

    public async Task DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>Options for a directory below the login's; the path may have been made before or not.</summary>
    public FtpOptions Options(string path) => new()
    {
        Host = _variables["PITR_TEST_FTP_HOST"],
        Port = Port,
        User = _variables["PITR_TEST_FTP_USER"],
        Password = Password,
        Path = path,
        CaFile = CaFile,
    };

    async Task<Dictionary<string, string>> ScriptAsync(string verb)
    {
        var start = new ProcessStartInfo("bash", [Path.Combine(AppContext.BaseDirectory, "ftpd"), verb, "--directory", _directory])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using var script = Process.Start(start)!;
        var errors = script.StandardError.ReadToEndAsync();
        var output = await script.StandardOutput.ReadToEndAsync();
        await script.WaitForExitAsync();
        return script.ExitCode == 0
            ? output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1])
            : throw new InvalidOperationException($"scripts/services.d/ftpd {verb} failed, so FTP cannot be tested: {await errors}");
    }
}
