using System.Globalization;
using Pitr.Storage;
using Pitr.Storage.Sftp;

namespace Pitr.Operations.Configuration;

/// <summary>An <c>sftp:</c> repository. OpenSSH finds keys and passphrases by itself, so nothing here is secret.</summary>
/// <param name="Url">As <see cref="DriverSettings.Url"/>.</param>
/// <param name="Options">What the driver takes.</param>
public sealed record SftpDriverSettings(string Url, SftpOptions Options) : DriverSettings(Url)
{
    const int DefaultPort = 22;

    internal static readonly ChoiceWords<SftpHostKeyChecking> HostKeyChecks = new(
        ("yes", SftpHostKeyChecking.Yes), ("accept-new", SftpHostKeyChecking.AcceptNew));

    /// <inheritdoc/>
    public override StoreOptions ToOptions() => Options;

    // Another user may be led to another root. Names of hosts know no case (RFC 4343).
    internal override string Place => string.Create(
        CultureInfo.InvariantCulture,
        $"sftp:{Options.User}@{Options.Host.ToLowerInvariant()}:{Options.Port ?? DefaultPort}:{Options.Path}");

    internal override string? Fault() => Options.Fault();

    internal override void AddTo(ConfigurationTree tree) => tree
        .Add("identity-file", Options.IdentityFile)
        .Add("ssh-config", Options.ConfigFile)
        .Add("known-hosts", Options.KnownHostsFile)
        .Add("host-key-checking", HostKeyChecks.Of(Options.HostKeyChecking))
        .Add("proxy-jump", Options.ProxyJump)
        .Add("ssh-program", Options.SshProgram)
        .Add("connections", Options.Connections)
        .Add("connect-timeout", Options.ConnectTimeout)
        .Add("stall-timeout", Options.StallTimeout);
}
