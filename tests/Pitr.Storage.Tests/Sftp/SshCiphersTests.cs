using Pitr.Storage.Sftp;

namespace Pitr.Storage.Tests.Sftp;

/// <summary>The order in which ciphers are offered, as the installed ssh would offer them.</summary>
public sealed class SshCiphersTests : IDisposable
{
    readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com")]
    [InlineData("chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr")]
    public void Of_openssh_s_own_list_all_stay_and_aes_gcm_comes_first(string builtIn)
    {
        var ciphers = SshCiphers.Reorder(builtIn)!.Split(',');
        Assert.Equal(["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"], ciphers[..3]);
        Assert.Equal(builtIn.Split(',').Order(), ciphers.Order());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("aes256-ctr")]
    [InlineData("chacha20-poly1305@openssh.com,aes256-gcm@openssh.com")]
    public void Another_list_was_somebody_s_choice(string? configured) => Assert.Null(SshCiphers.Reorder(configured));

    [Fact]
    public async Task The_installed_ssh_is_asked_and_a_users_choice_stands()
    {
        if (!System.Runtime.Intrinsics.X86.Aes.IsSupported && !System.Runtime.Intrinsics.Arm.Aes.IsSupported)
        {
            return;
        }

        var file = Path.Combine(_directory.Path, "config");
        var options = new SftpOptions { Host = "backup.example", Path = "/srv/pitr", ConfigFile = file };
        await System.IO.File.WriteAllTextAsync(file, "Host other\n  Ciphers aes256-ctr\n");
        Assert.StartsWith("aes128-gcm@openssh.com,", await SshCiphers.ChooseAsync(options, TimeProvider.System), StringComparison.Ordinal);
        Assert.Null(await SshCiphers.ChooseAsync(options with { Host = "other" }, TimeProvider.System));
        Assert.Null(await SshCiphers.ChooseAsync(options with { SshProgram = "/bin/true" }, TimeProvider.System));
        Assert.Null(await SshCiphers.ChooseAsync(options with { SshProgram = Path.Combine(_directory.Path, "ssh") }, TimeProvider.System));
    }
}
