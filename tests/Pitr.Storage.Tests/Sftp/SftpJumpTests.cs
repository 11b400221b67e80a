using Pitr.Storage.Sftp;

namespace Pitr.Storage.Tests.Sftp;

/// <summary>A server that is reached through another one.</summary>
public sealed class SftpJumpTests : IAsyncLifetime
{
    const string Key = "a/b";

    static readonly CancellationToken None = CancellationToken.None;

    SftpTestServer _server = null!;
    SftpTestServer _jump = null!;

    public async Task InitializeAsync()
    {
        _server = await SftpTestServer.StartAsync();
        _jump = await SftpTestServer.StartAsync();
        // What -J leads through is set up in ssh_config alone: that is how ssh wants it.
        await System.IO.File.WriteAllTextAsync(_server["ssh_config"], $"""
            Host bastion
              HostName 127.0.0.1
              Port {_jump.Port}
              IdentityFile {_jump.Identity}
              UserKnownHostsFile {_jump.KnownHosts}
              StrictHostKeyChecking yes

            """);
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        await _jump.DisposeAsync();
    }

    [Fact]
    public async Task Objects_go_through_the_jump_host_and_errors_tell_when_it_is_gone()
    {
        await using (var store = Open())
        {
            var bytes = Contents.Bytes(3_000_000);
            await store.PutAsync(Key, bytes, PutMode.CreateNew, None);
            Assert.Equal(bytes, await store.ReadAllAsync(Key, None));
            Assert.Equal([Key], await store.KeysAsync());
        }

        // It is the jump host that the connection came through.
        Assert.Contains("Accepted publickey", await System.IO.File.ReadAllTextAsync(_jump["sshd.log"]), StringComparison.Ordinal);
        await _jump.KillAsync();
        await using (var store = Open())
        {
            var error = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync(Key, None));
            Assert.True(error.IsTransient);
            Assert.Equal(("offsite", Key), (error.Repository, error.Key));
            Assert.NotNull(error.Hint);
            await _jump.StartAgainAsync();
            Assert.Equal(3_000_000, (await store.StatAsync(Key, None))!.Size);
        }
    }

    [Fact]
    public async Task A_jump_host_whose_key_changed_is_refused_for_good()
    {
        await _jump.KillAsync();
        await _jump.ChangeHostKeyAsync();
        await _jump.StartAgainAsync();
        await using var store = Open();
        var error = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync(Key, None));
        Assert.False(error.IsTransient);
        Assert.Contains("host key", error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Hint);
    }

    SftpObjectStore Open() => _server.Open(change: options => options with { ProxyJump = "bastion", ConfigFile = _server["ssh_config"] });
}
