using Pitr.Storage.Sftp;

namespace Pitr.Storage.Tests.Sftp;

/// <summary>
/// The server that the contract is tested on: the one that PITR_TEST_SFTP_HOST, _PORT, _USER, _IDENTITY, _KNOWN_HOSTS and _PATH tell, as
/// <c>scripts/services start sshd</c> prints them, or else one of its own.
/// </summary>
public class SftpFixture : IAsyncLifetime
{
    SftpTestServer? _server;

    /// <summary>How to reach a directory below which tests may do what they like.</summary>
    public SftpOptions Options { get; private set; } = null!;

    /// <summary>For internal-sftp; a server of its own is started when there are any.</summary>
    protected virtual string Arguments => "";

    public async Task InitializeAsync()
    {
        if (Arguments.Length == 0 && Variable("HOST") is { } host)
        {
            Options = new SftpOptions
            {
                Host = host,
                Port = Variable("PORT") is { } port ? int.Parse(port) : null,
                User = Variable("USER"),
                IdentityFile = Variable("IDENTITY"),
                KnownHostsFile = Variable("KNOWN_HOSTS"),
                Path = Variable("PATH") ?? throw new InvalidOperationException("PITR_TEST_SFTP_HOST is set, but PITR_TEST_SFTP_PATH is not"),
            };
            return;
        }

        _server = await SftpTestServer.StartAsync(Arguments);
        Options = _server.Options();
    }

    public async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    static string? Variable(string name) =>
        Environment.GetEnvironmentVariable("PITR_TEST_SFTP_" + name) is { Length: > 0 } value ? value : null;
}

/// <summary>A server without the extensions that no promise depends on.</summary>
public sealed class PlainSftpFixture : SftpFixture
{
    protected override string Arguments => "-P statvfs,limits";
}
