using System.Diagnostics;
using System.Globalization;

namespace Pitr.EndToEnd.Tests.Programs;

/// <summary>
/// A file system in memory of a few MiB that really is full when it is full. It is mounted over a directory in a mount namespace of its own, as any user may
/// where the kernel allows user namespaces; only programs that are started with <see cref="Enter"/> see it there. Gone with the test, even with a killed one.
/// </summary>
sealed class SmallDisk : IDisposable
{
    // Keeps the namespace alive; ends when this process's end of the pipe is gone.
    const string Keeper = "mount -t tmpfs -o \"$2\",mode=700 pitr-test \"$1\" || exit; echo done; while read -r size; do mount -o \"remount,$size\" \"$1\" && echo done || echo refused; done";

    static readonly string[] Unshare = ["--map-current-user", "--keep-caps", "--mount"];

    readonly Process _keeper;
    readonly string _directory;
    int _names;

    SmallDisk(Process keeper, string directory) => (_keeper, _directory) = (keeper, directory);

    /// <summary>Why there can be none here; null when there can.</summary>
    public static string? Impossible { get; } = Try();

    /// <summary>Put before a program and its arguments, so that it sees the disk.</summary>
    public IReadOnlyList<string> Enter =>
        ["/usr/bin/nsenter", "--target", _keeper.Id.ToString(CultureInfo.InvariantCulture), "--user", "--preserve-credentials", "--mount", "--"];

    /// <summary>Mounts one.</summary>
    /// <param name="directory">Over this directory, which exists.</param>
    /// <param name="size">As tmpfs takes it, e.g. <c>size=8m</c> or <c>nr_inodes=100</c>.</param>
    public static SmallDisk Mount(string directory, string size)
    {
        var keeper = Start([.. Unshare, "/bin/sh", "-c", Keeper, "sh", directory, size]);
        var disk = new SmallDisk(keeper, directory);
        return disk.Answer() == "done" ? disk : throw disk.Gone();
    }

    /// <summary>Where this process finds what the programs see at a path.</summary>
    public string Seen(string path) => $"/proc/{_keeper.Id}/root{path}";

    /// <summary>Gives it another size, at least that of what is on it.</summary>
    public void Resize(string size) => Assert.True(TryResize(size), $"the small disk cannot be given {size}");

    /// <summary>Leaves no more room than a few MiB beyond what is on it, whatever is writing meanwhile.</summary>
    public void Shrink()
    {
        // The kernel refuses a size below what is used.
        for (var size = 4; !TryResize($"size={size}m"); size += 2)
        {
            Assert.InRange(size, 1, 1024);
        }
    }

    bool TryResize(string size)
    {
        _keeper.StandardInput.WriteLine(size);
        _keeper.StandardInput.Flush();
        return Answer() switch
        {
            "done" => true,
            "refused" => false,
            _ => throw Gone(),
        };
    }

    /// <summary>Fills it to the last page, but for this many bytes.</summary>
    public void Fill(int keepFree = 0)
    {
        using var file = File.OpenHandle(Filler, FileMode.Create, FileAccess.Write);
        var block = new byte[4096];
        var length = 0L;
        try
        {
            for (; ; length += block.Length)
            {
                RandomAccess.Write(file, block, length);
            }
        }
        catch (IOException e) when (e.HResult == 28)
        {
            RandomAccess.SetLength(file, Math.Max(0, length - keepFree));
        }
    }

    /// <summary>Takes every name there can be, so that not even an empty file can be made.</summary>
    public void FillNames()
    {
        try
        {
            for (; ; _names++)
            {
                File.OpenHandle($"{Filler}-{_names}", FileMode.CreateNew, FileAccess.Write).Dispose();
            }
        }
        catch (IOException e) when (e.HResult == 28)
        {
            // Full.
        }
    }

    /// <summary>Gives back what was filled.</summary>
    public void Free()
    {
        File.Delete(Filler);
        for (; _names > 0; _names--)
        {
            File.Delete($"{Filler}-{_names - 1}");
        }
    }

    string Filler => Path.Combine(Seen(_directory), "filler");

    string? Answer() => _keeper.StandardOutput.ReadLine();

    InvalidOperationException Gone()
    {
        _keeper.WaitForExit();
        return new InvalidOperationException($"there is no small disk: {_keeper.StandardError.ReadToEnd()}");
    }

    static Process Start(IEnumerable<string> arguments) => Process.Start(new ProcessStartInfo("/usr/bin/unshare", arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        UseShellExecute = false,
    })!;

    static string? Try()
    {
        if (!File.Exists("/usr/bin/unshare") || !File.Exists("/usr/bin/nsenter"))
        {
            return "there are no unshare and nsenter (util-linux) here";
        }

        using var directory = new TestDirectory();
        using var process = Start([.. Unshare, "/bin/sh", "-c", "mount -t tmpfs -o size=1m pitr-test \"$1\"", "sh", directory.Path]);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : $"a user cannot mount a small disk here: {errors.Trim()}";
    }

    public void Dispose()
    {
        _keeper.StandardInput.Close();
        _keeper.WaitForExit();
        _keeper.Dispose();
    }
}
