namespace Pitr.Storage.Sftp;

/// <summary>
/// Where an SFTP repository is and how it is reached. Whatever is <see langword="null"/> is left to the user's ssh_config and OpenSSH's defaults.
/// </summary>
public sealed record SftpOptions : StoreOptions
{
    /// <summary>Most sessions that may be asked for.</summary>
    public const int MaxConnections = 64;

    /// <summary>Host name, address, or an alias of ssh_config.</summary>
    public required string Host { get; init; }

    /// <summary>The repository's directory on the server: absolute, or relative to the directory the server starts the user in.</summary>
    public required string Path { get; init; }

    /// <summary>Port, 1 to 65535.</summary>
    public int? Port { get; init; }

    /// <summary>User on the server.</summary>
    public string? User { get; init; }

    /// <summary>Private key (or the public key of one an agent holds); no other key is offered then.</summary>
    public string? IdentityFile { get; init; }

    /// <summary>An ssh_config to use instead of the user's and the system's.</summary>
    public string? ConfigFile { get; init; }

    /// <summary>The file of known host keys to use instead of the user's.</summary>
    public string? KnownHostsFile { get; init; }

    /// <summary>What to do about a server that is not known yet.</summary>
    public SftpHostKeyChecking HostKeyChecking { get; init; } = SftpHostKeyChecking.Yes;

    /// <summary>Hosts to go through, as ssh's <c>ProxyJump</c> takes them: <c>[user@]host[:port]</c>, comma-separated.</summary>
    public string? ProxyJump { get; init; }

    /// <summary>The program that is ssh: a path, or a name to look for in PATH.</summary>
    public string SshProgram { get; init; } = "ssh";

    /// <summary>Most sessions at once, 1 to <see cref="MaxConnections"/>. More operations than sessions share them. Each costs a login, which is most
    /// of the work of a short command; two keep two cores busy with ciphers.</summary>
    public int Connections { get; init; } = 2;

    /// <summary>Longest time from starting ssh to the server's first SFTP packet.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest time that a server may owe an answer without a byte moving in either direction. A slow fsync is within it.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>What is wrong with these values, if anything: out of range, or to be mistaken for an option of ssh.</summary>
    public override string? Fault()
    {
        (string? Value, string Name)[] texts =
        [
            (Host, nameof(Host)), (Path, nameof(Path)), (SshProgram, nameof(SshProgram)), (User, nameof(User)), (IdentityFile, nameof(IdentityFile)),
            (ConfigFile, nameof(ConfigFile)), (KnownHostsFile, nameof(KnownHostsFile)), (ProxyJump, nameof(ProxyJump)),
        ];
        (double Value, double Least, double Most, string Name)[] numbers =
        [
            (Port ?? 1, 1, 65535, nameof(Port)), (Connections, 1, MaxConnections, nameof(Connections)),
            (ConnectTimeout.TotalSeconds, 0.1, 3600, nameof(ConnectTimeout)), (StallTimeout.TotalSeconds, 0.1, 86400, nameof(StallTimeout)),
        ];
        foreach (var (value, name) in texts)
        {
            if (value is "")
            {
                return $"SFTP option {name} is empty";
            }

            if (value is not null && (value.Any(char.IsControl) || value.Contains('"', StringComparison.Ordinal)))
            {
                return $"SFTP option {name} holds a control character or a double quote";
            }

            if (value is not null && (name is nameof(Host) or nameof(User) or nameof(ProxyJump))
                && (value[0] == '-' || value.Any(char.IsWhiteSpace)))
            {
                return $"SFTP option {name} \"{value}\" starts with \"-\" or holds white space";
            }
        }

        foreach (var (value, least, most, name) in numbers)
        {
            if (value < least || value > most)
            {
                return $"SFTP option {name} is {value}, allowed are {least} to {most}";
            }
        }

        return Path.Split('/').Contains("..") ? $"SFTP option {nameof(Path)} \"{Path}\" has the part \"..\"" : null;
    }
}
