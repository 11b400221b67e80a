using System.Globalization;
using Pitr.Storage;
using Pitr.Storage.Ftp;

namespace Pitr.Operations.Configuration;

/// <summary>An <c>ftp:</c> or <c>ftps:</c> repository.</summary>
/// <param name="Url">As <see cref="DriverSettings.Url"/>.</param>
/// <param name="Options">What the driver takes, but for the password, which is empty here.</param>
/// <param name="Password">The user's password.</param>
public sealed record FtpDriverSettings(string Url, FtpOptions Options, SecretValue Password) : DriverSettings(Url)
{
    internal static readonly ChoiceWords<FtpTlsMode> TlsModes = new(("explicit", FtpTlsMode.Explicit), ("none", FtpTlsMode.None));

    /// <inheritdoc/>
    public override StoreOptions ToOptions() => Options with { Password = Password.Reveal() };

    // Another user may be led to another root.
    internal override string Place => string.Create(
        CultureInfo.InvariantCulture, $"{(Options.Tls == FtpTlsMode.Implicit ? "ftps" : "ftp")}:{Options.User}@{Options.Host}:{Options.Port}:{Options.Path}");

    internal override IEnumerable<SecretValue> Secrets => [Password];

    internal override string? Fault() => Options.Fault();

    internal override void AddTo(ConfigurationTree tree)
    {
        tree.Add("user", Options.User).Add("password", Password);
        if (Options.Tls != FtpTlsMode.Implicit)
        {
            tree.Add("tls", TlsModes.Of(Options.Tls));
        }
        tree.Add("ca-file", Options.CaFile)
            .Add("curl-program", Options.CurlProgram)
            .Add("connections", Options.Connections)
            .Add("connect-timeout", Options.ConnectTimeout)
            .Add("stall-timeout", Options.StallTimeout);
    }
}
