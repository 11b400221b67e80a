using System.Text;

namespace Pitr.Storage.Ftp;

/// <summary>Where an FTP repository is and how to get there. The text form leaves out the password.</summary>
public sealed record FtpOptions : StoreOptions
{
    /// <summary>Name or address of the server; with TLS its certificate must be for this name.</summary>
    public required string Host { get; init; }

    /// <summary>Port of the control connection, 1 to 65535; <see langword="null"/> for 21, or 990 with <see cref="FtpTlsMode.Implicit"/>.</summary>
    public int? Port { get; init; }

    /// <summary>User to log in as: no colon, no control characters.</summary>
    public required string User { get; init; }

    /// <summary>The user's password, already resolved by the caller: no line breaks.</summary>
    public required string Password { get; init; }

    /// <summary>
    /// The repository's directory as the server names it. With a leading <c>/</c> it is absolute, without it is below the directory
    /// where the login leads; empty is that directory itself.
    /// </summary>
    public string Path { get; init; } = "";

    /// <summary>How the connection is encrypted.</summary>
    public FtpTlsMode Tls { get; init; } = FtpTlsMode.Explicit;

    /// <summary>A PEM file with the authorities that may vouch for the server; <see langword="null"/> for those of the system.</summary>
    public string? CaFile { get; init; }

    /// <summary>The program that speaks FTP: curl 7.75 or newer, looked for in PATH.</summary>
    public string CurlProgram { get; init; } = "curl";

    /// <summary>How long connecting may take, up to and including the login.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the server may let neither a byte nor an answer come, nor take one, before it counts as stuck.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How many connections there may be at a time, 1 or more. An object being read occupies one until its stream is disposed.</summary>
    public int Connections { get; init; } = 8;

    internal int EffectivePort => Port ?? (Tls == FtpTlsMode.Implicit ? 990 : 21);

    /// <inheritdoc/>
    public override string? Fault() => this switch
    {
        _ when Host.Length == 0 || Host.AsSpan().ContainsAny(" /\\@#?\"\r\n\t") => "the host of an FTP repository is empty or holds a character that no host name has",
        _ when EffectivePort is < 1 or > 65535 => $"the port {EffectivePort} is not one of 1 to 65535",
        _ when User.Length == 0 || User.Contains(':') || User.Any(char.IsControl) => "the user of an FTP repository is empty or holds a colon or a control character",
        _ when Password.AsSpan().ContainsAny('\r', '\n', '\0') => "the password of an FTP repository holds a line break or a NUL",
        _ when Path.Any(char.IsControl) => "the path of an FTP repository holds a control character",
        _ when Path.Split('/').Any(part => part is "." or "..") => "the path of an FTP repository holds a \".\" or \"..\"",
        _ when CaFile?.Any(char.IsControl) == true => "the name of the CA file holds a control character",
        _ when ConnectTimeout <= TimeSpan.Zero || StallTimeout <= TimeSpan.Zero => "the timeouts of an FTP repository must be longer than nothing",
        _ when Connections < 1 => $"{Connections} connections are too few, 1 is the least",
        _ => null,
    };

    /// <inheritdoc/>
    protected override bool PrintMembers(StringBuilder text)
    {
        text.Append($"Host = {Host}, Port = {EffectivePort}, User = {User}, Password = ***, Path = {Path}, Tls = {Tls}, CaFile = {CaFile}, ")
            .Append($"CurlProgram = {CurlProgram}, ConnectTimeout = {ConnectTimeout}, StallTimeout = {StallTimeout}, Connections = {Connections}");
        return true;
    }
}
