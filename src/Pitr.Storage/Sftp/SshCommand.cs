using System.Diagnostics;
using System.Globalization;

namespace Pitr.Storage.Sftp;

/// <summary>How ssh is started: with the options that were given and those sftp(1) itself gives. The user's ssh_config decides the rest.</summary>
static class SshCommand
{
    /// <summary>What starts a session.</summary>
    /// <param name="options">Where it goes.</param>
    /// <param name="ciphers">What <see cref="SshCiphers"/> chose.</param>
    public static ProcessStartInfo Build(SftpOptions options, string? ciphers) => Start(options.SshProgram, Arguments(options, ciphers));

    /// <summary>A start of ssh that asks nobody and whose words can be recognized.</summary>
    public static ProcessStartInfo Start(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // The passphrase of the identity among them, which is nothing to ssh and to what the user's ssh_config starts.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("PITR_", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        // Messages are recognized by their English words; nothing may ask a person.
        start.Environment["LC_ALL"] = "C";
        start.Environment["SSH_ASKPASS_REQUIRE"] = "never";
        return start;
    }

    /// <summary>The arguments (ssh(1), ssh_config(5)).</summary>
    public static IEnumerable<string> Arguments(SftpOptions options, string? ciphers)
    {
        if (options.ConfigFile is { } config)
        {
            yield return "-F";
            yield return config;
        }

        foreach (var option in Settings(options))
        {
            yield return "-o";
            yield return option;
        }

        if (ciphers is not null)
        {
            yield return "-o";
            yield return $"Ciphers={ciphers}";
        }

        if (options.Port is { } port)
        {
            yield return "-p";
            yield return port.ToString(CultureInfo.InvariantCulture);
        }

        if (options.User is { } user)
        {
            yield return "-l";
            yield return user;
        }

        if (options.ProxyJump is { } jump)
        {
            yield return "-J";
            yield return jump;
        }

        yield return "-s";
        yield return "--";
        yield return options.Host;
        yield return "sftp";
    }

    static IEnumerable<string> Settings(SftpOptions options)
    {
        yield return "BatchMode=yes";
        yield return options.HostKeyChecking == SftpHostKeyChecking.AcceptNew ? "StrictHostKeyChecking=accept-new" : "StrictHostKeyChecking=yes";
        yield return $"ConnectTimeout={Math.Max(1, (int)Math.Ceiling(options.ConnectTimeout.TotalSeconds))}";
        if (options.KnownHostsFile is { } knownHosts)
        {
            yield return $"UserKnownHostsFile={Quoted(knownHosts)}";
        }

        if (options.IdentityFile is { } identity)
        {
            // Offering every key of an agent first would use up the server's MaxAuthTries.
            yield return $"IdentityFile={Quoted(identity)}";
            yield return "IdentitiesOnly=yes";
        }

        // As sftp(1) does: whatever an interactive login is configured to do besides.
        yield return "ForwardX11=no";
        yield return "ForwardAgent=no";
        yield return "PermitLocalCommand=no";
        yield return "ClearAllForwardings=yes";
        yield return "RemoteCommand=none";
        yield return "RequestTTY=no";
        // A master that others lean on would die with us. One that is there already is used.
        yield return "ControlMaster=no";
    }

    // ssh splits the value at white space and replaces %-tokens.
    static string Quoted(string path) => $"\"{path.Replace("%", "%%", StringComparison.Ordinal)}\"";
}
