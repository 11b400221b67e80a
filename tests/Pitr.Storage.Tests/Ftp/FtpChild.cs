using Pitr.Storage.Ftp;

namespace Pitr.Storage.Tests.Ftp;

/// <summary>How a child process of a test is told which FTP store to open: a URL, and the password in a file.</summary>
static class FtpChild
{
    public const string Scheme = "ftp-child";

    public static string Describe(FtpOptions options)
    {
        var secret = Path.Combine(Path.GetTempPath(), $"pitr-ftp-{Guid.NewGuid():N}");
        System.IO.File.WriteAllText(secret, options.Password);
        System.IO.File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        string[] parts = [options.User, secret, options.CaFile!, options.Path];
        return $"{Scheme}://{options.Host}:{options.Port}/?{string.Join('&', parts.Select(Uri.EscapeDataString))}";
    }

    /// <summary>Opens the store and removes the file with the password.</summary>
    public static IObjectStore Open(Uri url)
    {
        var parts = url.Query[1..].Split('&').Select(Uri.UnescapeDataString).ToArray();
        var password = System.IO.File.ReadAllText(parts[1]);
        System.IO.File.Delete(parts[1]);
        var options = new FtpOptions
        {
            Host = url.Host,
            Port = url.Port,
            User = parts[0],
            Password = password,
            CaFile = parts[2],
            Path = parts[3],
        };
        return new FtpObjectStore("child", options, TimeProvider.System);
    }
}
