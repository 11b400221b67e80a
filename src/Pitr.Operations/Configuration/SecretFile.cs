namespace Pitr.Operations.Configuration;

/// <summary>Reads files that hold secrets, and refuses those that others can read. Messages name the path, never the content.</summary>
public static class SecretFile
{
    /// <summary>Longest secret read from a file, in bytes.</summary>
    public const int MaximumLength = 64 * 1024;

    const UnixFileMode Others = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
    const UnixFileMode Group = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute;

    /// <summary>Accepts 0640 and stricter: the group may read, so that a daemon's group can be given a password; nobody else may do anything.</summary>
    /// <exception cref="ConfigurationException">The file is missing, is no regular file, or its mode is wider than 0640.</exception>
    public static void RequirePrivate(string path) =>
        Require(path, Others | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute, "0640");

    /// <summary>Accepts 0600 and stricter. For identities: whoever reads one can open every backup, so no group is trusted with it.</summary>
    /// <exception cref="ConfigurationException">The file is missing, is no regular file, or its mode is wider than 0600.</exception>
    public static void RequireOwnerOnly(string path) => Require(path, Others | Group, "0600");

    /// <summary>Whether anybody on the host can read the file.</summary>
    internal static bool IsReadableByOthers(string path) => (Mode(path) & UnixFileMode.OtherRead) != UnixFileMode.None;

    /// <summary>The text of a private file, without the line end after it.</summary>
    /// <exception cref="ConfigurationException">As <see cref="RequirePrivate"/>, or the file can not be read, is empty or too long.</exception>
    internal static string Read(string path)
    {
        RequirePrivate(path);
        string text;
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > MaximumLength)
            {
                throw Problem(path, $"is longer than {MaximumLength} bytes", null);
            }
            using var reader = new StreamReader(stream);
            text = reader.ReadToEnd();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem(path, "can not be read: " + Reason(e), "run as a user that may read it");
        }
        text = text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2] : text.EndsWith('\n') ? text[..^1] : text;
        return text.Length > 0 ? text : throw Problem(path, "is empty", "write the secret into it");
    }

    /// <summary>Why a file could not be opened, without repeating its path.</summary>
    internal static string Reason(Exception e) => e switch
    {
        UnauthorizedAccessException => "permission denied",
        FileNotFoundException or DirectoryNotFoundException => "it does not exist",
        _ => e.Message,
    };

    static void Require(string path, UnixFileMode forbidden, string widest)
    {
        if (Directory.Exists(path))
        {
            throw Problem(path, "is a directory, not a file", null);
        }
        UnixFileMode mode;
        try
        {
            mode = Mode(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem(path, "can not be read: " + Reason(e), null);
        }
        if ((mode & forbidden) != UnixFileMode.None)
        {
            var who = (mode & Others) != UnixFileMode.None ? "everybody on this host" : "its group";
            throw Problem(
                path,
                $"is open to {who} (mode {Convert.ToString((int)mode, 8).PadLeft(4, '0')}, allowed is {widest} or stricter)",
                $"chmod {widest} {path}");
        }
    }

    static UnixFileMode Mode(string path) => OperatingSystem.IsWindows()
        ? throw new PlatformNotSupportedException("pitr guards secrets by Unix file modes")
        : File.GetUnixFileMode(path);

    static ConfigurationException Problem(string path, string what, string? hint) => new(new ConfigurationProblem(path, 0, 0, what, hint));
}
