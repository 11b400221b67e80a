using System.ComponentModel;
using System.Diagnostics;

namespace Pitr.Storage.Sftp;

/// <summary>
/// Which ciphers ssh offers first. Its own order begins with ChaCha20-Poly1305, which fits processors without AES; with AES instructions AES-GCM
/// takes a fraction of the time, at both ends of the line. Only the order of ssh's own list changes, and only where nobody chose another: a
/// <c>Ciphers</c> line of the user's or the system's ssh_config stands.
/// </summary>
static class SshCiphers
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    // The lists that OpenSSH comes with (ssh_config(5)). Another one was chosen by somebody.
    static readonly string[] BuiltIn =
    [
        "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com", // 7.6 to 9.9
        "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr", // since 10.0
    ];

    /// <summary>The value for ssh's option <c>Ciphers</c>; <see langword="null"/> to leave it to ssh.</summary>
    /// <param name="options">Where the connection goes: ssh_config may decide by host.</param>
    /// <param name="timeProvider">Limits the time ssh takes to answer.</param>
    public static async Task<string?> ChooseAsync(SftpOptions options, TimeProvider timeProvider)
    {
        // Another program may not know -G and would connect.
        if (!HasAesInstructions || Path.GetFileName(options.SshProgram) != "ssh")
        {
            return null;
        }

        return Reorder(await AskAsync(options, timeProvider));
    }

    /// <summary>AES-GCM first, if the list is one that OpenSSH comes with.</summary>
    /// <param name="configured">The list ssh would offer.</param>
    public static string? Reorder(string? configured) => BuiltIn.Contains(configured)
        ? string.Join(',', configured!.Split(',').OrderByDescending(cipher => cipher.Contains("-gcm@", StringComparison.Ordinal)))
        : null;

    static bool HasAesInstructions =>
        (System.Runtime.Intrinsics.X86.Aes.IsSupported && System.Runtime.Intrinsics.X86.Pclmulqdq.IsSupported) || System.Runtime.Intrinsics.Arm.Aes.IsSupported;

    /// <summary>The list that ssh would offer; <see langword="null"/> when it does not say, whose reason the connection itself will give.</summary>
    static async Task<string?> AskAsync(SftpOptions options, TimeProvider timeProvider)
    {
        var start = SshCommand.Start(options.SshProgram, ["-G", .. SshCommand.Arguments(options, ciphers: null)]);
        try
        {
            using var ssh = Process.Start(start)!;
            ssh.StandardInput.Close();
            // Drained, or a long complaint would hold ssh up.
            var complaints = ssh.StandardError.ReadToEndAsync();
            try
            {
                var settings = await ssh.StandardOutput.ReadToEndAsync().WaitAsync(Patience, timeProvider);
                await complaints.WaitAsync(Patience, timeProvider);
                await ssh.WaitForExitAsync().WaitAsync(Patience, timeProvider);
                const string name = "ciphers ";
                return ssh.ExitCode == 0 ? settings.Split('\n').FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?[name.Length..] : null;
            }
            catch (TimeoutException)
            {
                ssh.Kill();
                return null;
            }
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
