using System.Text;

namespace Pitr.Storage.Sftp;

/// <summary>Makes an error of what ssh left on its standard error. The words are OpenSSH's (ssh.c, sshconnect.c, sshconnect2.c, packet.c).</summary>
static class SshFailure
{
    const int ShownLines = 3;
    const string Unreachable = "look whether the server runs and its address, port and firewall are right; `ssh -v` shows where it ends";

    /// <summary>The words, whether trying again may help, and what to do. The first that occurs decides.</summary>
    static readonly (string Words, bool IsTransient, string What, string Hint)[] Known =
    [
        ("REMOTE HOST IDENTIFICATION HAS CHANGED", false, "the server's host key changed",
            "somebody may be in between; ask the server's operator, and only then remove the old key with `ssh-keygen -R`"),
        ("host key is known for", false, "the server's host key is not known",
            "compare it with what the server's operator says, then add it to known_hosts (ssh-keyscan, or connect once by hand)"),
        ("Host key verification failed", false, "the server's host key is not accepted",
            "compare it with what the server's operator says, then add it to known_hosts"),
        ("UNPROTECTED PRIVATE KEY FILE", false, "ssh refuses a private key that others can read", "take the rights from others: chmod 600"),
        ("Bad owner or permissions on", false, "ssh refuses a configuration file that others can write", "take the rights from others: chmod 600"),
        ("Too many authentication failures", false, "the server refused before the right key was offered",
            "name the key with identity-file, so that no other is offered"),
        ("Permission denied (", false, "the server does not accept this user and key",
            "look at user and identity-file, and at authorized_keys on the server; a key with a passphrase must be in an ssh-agent"),
        ("Permission denied, please try again", false, "the server does not accept this user and key",
            "password logins are not possible; use a key"),
        ("Temporary failure in name resolution", true, "the host's name cannot be looked up just now", "look at the name server"),
        ("Could not resolve hostname", false, "the host's name is unknown", "look at the host in the repository's url"),
        ("subsystem request failed", false, "the server offers no SFTP", "enable the subsystem in its sshd_config: Subsystem sftp internal-sftp"),
        ("Unable to negotiate with", false, "client and server have no algorithm in common", "allow one of those the server offers in ssh_config"),
        ("Bad configuration option", false, "ssh does not take its configuration", "correct the line it names"),
        ("terminating,", false, "ssh does not take its configuration", "correct the line it names"),
        ("command-line: line 0", false, "ssh does not take an option", "correct the repository's settings; OpenSSH 7.6 or newer is needed"),
        ("Can't open user config file", false, "ssh cannot open the configuration file", "look at config-file"),
        ("Connection refused", true, "the server refuses connections", Unreachable),
        ("No route to host", true, "the server cannot be reached", Unreachable),
        ("Network is unreachable", true, "the server cannot be reached", Unreachable),
        ("timed out", true, "the server does not answer", Unreachable),
        ("Timeout, server", true, "the server does not answer any more", Unreachable),
        ("Connection reset", true, "the connection was lost", Unreachable),
        ("Connection closed", true, "the server closed the connection", Unreachable),
        ("closed by remote host", true, "the server closed the connection", Unreachable),
        ("Broken pipe", true, "the connection was lost", Unreachable),
    ];

    /// <summary>The error for an ssh that ended, or whose output did.</summary>
    /// <param name="where">Where it was connected to, for the message.</param>
    /// <param name="lines">The last lines of its standard error.</param>
    /// <param name="exit">How it ended, such as <c>exit code 255</c>; <see langword="null"/> when it did not.</param>
    public static SftpConnectionException From(string where, IReadOnlyList<string> lines, string? exit)
    {
        var said = lines.Count == 0 ? "" : $"; ssh said: {string.Join(" / ", lines.TakeLast(ShownLines))}";
        foreach (var (words, isTransient, what, hint) in Known)
        {
            if (lines.Any(line => line.Contains(words, StringComparison.OrdinalIgnoreCase)))
            {
                return new SftpConnectionException($"{what}: {where}{said}", isTransient, hint);
            }
        }

        return new SftpConnectionException(
            $"the connection to {where} ended{(exit is null ? "" : $" ({exit})")}{said}", isTransient: true, Unreachable);
    }

    /// <summary>Text of a foreign machine as it may appear in a message: one line, no control characters, not too long.</summary>
    public static string Sanitized(string text, int most)
    {
        var clean = new StringBuilder(Math.Min(text.Length, most));
        foreach (var c in text.AsSpan().Trim())
        {
            if (clean.Length == most)
            {
                clean.Append('…');
                break;
            }

            clean.Append(char.IsControl(c) ? ' ' : c);
        }

        return clean.ToString();
    }
}
