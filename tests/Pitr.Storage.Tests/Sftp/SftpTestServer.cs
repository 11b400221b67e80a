using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Pitr.Storage.Sftp;

namespace Pitr.Storage.Tests.Sftp;

/// <summary>A real sshd of this test's own on a loopback port, run by whoever runs the tests, with its own keys. Fails where there is none.</summary>
sealed class SftpTestServer : IAsyncDisposable
{
    const string Sshd = "/usr/sbin/sshd";
    const int MaxAttempts = 5;
    static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(30);

    readonly TemporaryDirectory _directory = new();
    readonly string[] _wrapper;
    Process? _process;

    SftpTestServer(string[] wrapper) => _wrapper = wrapper;

    public int Port { get; private set; }

    /// <summary>The private key that may log in.</summary>
    public string Identity => _directory["client_key"];

    /// <summary>Where the server's key is known.</summary>
    public string KnownHosts => _directory["known_hosts"];

    /// <summary>A place for files.</summary>
    public string Files => _directory["files"];

    public string this[string name] => _directory[name];

    /// <summary>Starts a server.</summary>
    /// <param name="arguments">For internal-sftp, such as <c>-P fsync</c>.</param>
    /// <param name="wrapper">What to run sshd with; it has to become sshd.</param>
    public static async Task<SftpTestServer> StartAsync(string arguments = "", string[]? wrapper = null)
    {
        if (!System.IO.File.Exists(Sshd))
        {
            throw new InvalidOperationException($"{Sshd} is missing; the tests of SFTP need Debian's openssh-server");
        }

        var server = new SftpTestServer(wrapper ?? []);
        try
        {
            Directory.CreateDirectory(server.Files);
            await server.MakeKeyAsync("client_key");
            System.IO.File.Copy(server["client_key.pub"], server["authorized_keys"]);
            await server.MakeKeyAsync("host_key");
            for (var attempt = 1; ; attempt++)
            {
                server.Port = FreePort();
                await server.TrustAsync();
                await server.ConfigureAsync(arguments);
                try
                {
                    await server.StartAgainAsync();
                    return server;
                }
                catch (InvalidOperationException) when (attempt < MaxAttempts)
                {
                    // Somebody else took the port at that moment.
                    await server.KillAsync();
                }
            }
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>How to reach a directory of it.</summary>
    public SftpOptions Options(string? path = null) => new()
    {
        Host = "127.0.0.1",
        Port = Port,
        User = Environment.UserName,
        Path = path ?? Files,
        IdentityFile = Identity,
        KnownHostsFile = KnownHosts,
        // Whoever runs the tests may have one.
        ConfigFile = "/dev/null",
    };

    public SftpObjectStore Open(string? path = null, Func<SftpOptions, SftpOptions>? change = null) =>
        new("offsite", (change ?? (options => options))(Options(path)), TimeProvider.System);

    /// <summary>Another host key, as after a new installation of the server, or with somebody in between.</summary>
    public async Task ChangeHostKeyAsync()
    {
        System.IO.File.Delete(this["host_key"]);
        System.IO.File.Delete(this["host_key.pub"]);
        await MakeKeyAsync("host_key");
    }

    /// <summary>Makes the present host key the known one.</summary>
    public async Task TrustAsync() => await System.IO.File.WriteAllTextAsync(
        KnownHosts, $"[127.0.0.1]:{Port} {await System.IO.File.ReadAllTextAsync(this["host_key.pub"])}");

    /// <summary>Ends sshd and every session of it.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            foreach (var child in ChildrenOf(process.Id).Append(process.Id).ToArray())
            {
                using var running = TryFind(child);
                running?.Kill();
            }

            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    public async Task StartAgainAsync()
    {
        if (Environment.IsPrivilegedProcess)
        {
            Directory.CreateDirectory("/run/sshd");
        }

        string[] command = [.. _wrapper, Sshd, "-D", "-f", this["sshd_config"], "-E", this["sshd.log"]];
        _process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { UseShellExecute = false })!;
        using var patience = new CancellationTokenSource(StartPatience);
        var answers = false;
        while (!answers)
        {
            answers = await AnswersAsync(patience.Token);
            if (_process.HasExited || patience.IsCancellationRequested)
            {
                var log = System.IO.File.Exists(this["sshd.log"]) ? await System.IO.File.ReadAllTextAsync(this["sshd.log"]) : "it left no log";
                throw new InvalidOperationException($"sshd did not start: {log}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _directory.Dispose();
    }

    /// <summary>Runs a program to its end, which has to be a good one.</summary>
    static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} failed: {errors}");
    }

    // From below those the system gives to clients, so that it is still free after a restart.
    static int FreePort()
    {
        while (true)
        {
            var port = Random.Shared.Next(20_000, 32_000);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Taken.
            }
        }
    }

    // Sessions are processes of their own, each with another one below it.
    static IEnumerable<int> ChildrenOf(int id)
    {
        foreach (var directory in Directory.EnumerateDirectories("/proc", "*").Where(name => char.IsAsciiDigit(Path.GetFileName(name)[0])))
        {
            if (ParentOf(directory) == id)
            {
                var child = int.Parse(Path.GetFileName(directory));
                foreach (var below in ChildrenOf(child))
                {
                    yield return below;
                }

                yield return child;
            }
        }
    }

    static int? ParentOf(string directory)
    {
        try
        {
            var stat = System.IO.File.ReadAllText(Path.Combine(directory, "stat"));
            return int.Parse(stat[(stat.LastIndexOf(')') + 4)..].Split(' ')[0]);
        }
        catch (IOException)
        {
            return null;
        }
    }

    static Process? TryFind(int id)
    {
        try
        {
            return Process.GetProcessById(id);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    Task MakeKeyAsync(string name) => RunAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "pitr-test", "-f", this[name]);

    Task ConfigureAsync(string arguments) => System.IO.File.WriteAllTextAsync(this["sshd_config"], $"""
        ListenAddress 127.0.0.1
        Port {Port}
        HostKey {this["host_key"]}
        PidFile none
        AuthorizedKeysFile {this["authorized_keys"]}
        AuthenticationMethods publickey
        PermitRootLogin yes
        StrictModes no
        UsePAM no
        UseDNS no
        MaxStartups 100
        Subsystem sftp internal-sftp {arguments}

        """);

    async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port, cancellationToken);
            var greeting = new byte[4];
            await client.GetStream().ReadExactlyAsync(greeting, cancellationToken);
            return greeting.AsSpan().SequenceEqual("SSH-"u8);
        }
        catch (Exception failure) when (failure is SocketException or IOException or OperationCanceledException)
        {
            return false;
        }
    }
}
