using Pitr.Storage.Sftp;

namespace Pitr.Storage.Tests.Sftp;

/// <summary>How ssh is started, and what is made of its words.</summary>
public sealed class SshCommandTests
{
    static readonly SftpOptions Plain = new() { Host = "backup.example.net", Path = "/srv/pitr" };

    [Fact]
    public void What_is_not_given_is_left_to_the_users_configuration()
    {
        var arguments = SshCommand.Arguments(Plain, ciphers: null).ToArray();
        Assert.Equal(["-s", "--", "backup.example.net", "sftp"], arguments[^4..]);
        Assert.Contains("BatchMode=yes", arguments);
        Assert.Contains("StrictHostKeyChecking=yes", arguments);
        foreach (var decided in (string[])["-F", "-p", "-l", "-J"])
        {
            Assert.DoesNotContain(decided, arguments);
        }

        Assert.DoesNotContain(arguments, argument => argument.StartsWith("IdentityFile", StringComparison.Ordinal));
    }

    [Fact]
    public void Ssh_sees_nothing_that_is_meant_for_pitr()
    {
        const string Secret = "PITR_TEST_NOT_FOR_SSH";
        Environment.SetEnvironmentVariable(Secret, "passphrase");
        try
        {
            var seen = SshCommand.Build(Plain, ciphers: null).Environment;
            Assert.DoesNotContain(seen.Keys, name => name.StartsWith("PITR_", StringComparison.Ordinal));
            Assert.True(seen.ContainsKey("PATH"));
        }
        finally
        {
            Environment.SetEnvironmentVariable(Secret, null);
        }
    }

    [Fact]
    public void What_is_given_is_passed_on()
    {
        var line = string.Join('\n', SshCommand.Arguments(Plain with
        {
            Port = 2222,
            User = "pitr",
            IdentityFile = "/etc/pitr/a key %h",
            KnownHostsFile = "/etc/pitr/known",
            ConfigFile = "/etc/pitr/ssh_config",
            ProxyJump = "jump@gate:22",
            HostKeyChecking = SftpHostKeyChecking.AcceptNew,
            ConnectTimeout = TimeSpan.FromSeconds(7.2),
        }, ciphers: null));
        foreach (var expected in (string[])
            ["-p\n2222", "-l\npitr", "-J\njump@gate:22", "-F\n/etc/pitr/ssh_config", "-o\nIdentityFile=\"/etc/pitr/a key %%h\"", "-o\nIdentitiesOnly=yes",
                "-o\nUserKnownHostsFile=\"/etc/pitr/known\"", "-o\nStrictHostKeyChecking=accept-new", "-o\nConnectTimeout=8"])
        {
            Assert.Contains(expected, line, StringComparison.Ordinal);
        }
    }

    public static TheoryData<SftpOptions, string> Unusable => new()
    {
        { Plain with { Host = "-oProxyCommand=evil" }, "Host" },
        { Plain with { Host = "" }, "Host" },
        { Plain with { Host = "a b" }, "Host" },
        { Plain with { User = "-l" }, "User" },
        { Plain with { ProxyJump = "-x" }, "ProxyJump" },
        { Plain with { IdentityFile = "a\"b" }, "IdentityFile" },
        { Plain with { Path = "/a\tb" }, "Path" },
        { Plain with { Path = "/a/../b" }, "Path" },
        { Plain with { Port = 0 }, "Port" },
        { Plain with { Connections = 0 }, "Connections" },
        { Plain with { Connections = 65 }, "Connections" },
        { Plain with { StallTimeout = TimeSpan.Zero }, "StallTimeout" },
        { Plain with { ConnectTimeout = TimeSpan.FromHours(2) }, "ConnectTimeout" },
    };

    [Theory]
    [MemberData(nameof(Unusable))]
    public void Options_that_cannot_be_used_are_refused(SftpOptions options, string names)
    {
        var error = Assert.Throws<ArgumentException>(() => new SftpObjectStore("offsite", options));
        Assert.Contains(names, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ssh: Could not resolve hostname x.invalid: Name or service not known", false, "name is unknown")]
    [InlineData("ssh: Could not resolve hostname x: Temporary failure in name resolution", true, "just now")]
    [InlineData("ssh: connect to host x port 22: Connection refused", true, "refuses")]
    [InlineData("ssh: connect to host x port 22: Connection timed out", true, "does not answer")]
    [InlineData("ssh: connect to host x port 22: No route to host", true, "cannot be reached")]
    [InlineData("kex_exchange_identification: Connection closed by remote host", true, "closed")]
    [InlineData("Connection to 127.0.0.1 closed by remote host.", true, "closed")]
    [InlineData("client_loop: send disconnect: Broken pipe", true, "lost")]
    [InlineData("Timeout, server x not responding.", true, "does not answer any more")]
    [InlineData("u@x: Permission denied (publickey,password).", false, "does not accept")]
    [InlineData("Received disconnect from x port 22:2: Too many authentication failures", false, "before the right key")]
    [InlineData("Host key verification failed.", false, "not accepted")]
    [InlineData("No ED25519 host key is known for x and you have requested strict checking.", false, "not known")]
    [InlineData("Unable to negotiate with x port 22: no matching host key type found. Their offer: ssh-rsa", false, "algorithm")]
    [InlineData("subsystem request failed on channel 0", false, "no SFTP")]
    [InlineData("/root/.ssh/config: line 1: Bad configuration option: nonsense", false, "configuration")]
    [InlineData("something never seen before", true, "ended (ssh's exit code 255)")]
    public void Words_of_ssh_become_a_cause_and_a_class(string line, bool transient, string says)
    {
        var error = SshFailure.From("x", ["debug noise", line], "ssh's exit code 255");
        Assert.Equal(transient, error.IsTransient);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.Contains(line, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Hint);
    }
}
