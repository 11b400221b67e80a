namespace Pitr.ArchiveCommand.Tests;

/// <summary>A directory of its own with a short path: a socket path has at most 107 bytes.</summary>
sealed class ScratchDirectory : IDisposable
{
    internal ScratchDirectory()
    {
        // The real path: getcwd(3) gives that, whatever links lead to it.
        var parent = new DirectoryInfo(System.IO.Path.GetTempPath().TrimEnd('/'));
        Path = Directory.CreateTempSubdirectory("pa-").FullName;
        if (parent.ResolveLinkTarget(returnFinalTarget: true) is { } target)
        {
            Path = System.IO.Path.Combine(target.FullName, System.IO.Path.GetFileName(Path));
        }
    }

    internal string Path { get; }

    internal string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Writes an executable file, below a new directory if the name has one.</summary>
    internal string WriteProgram(string name, string content)
    {
        var path = this[name];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        return path;
    }

    /// <summary>A stand-in for pitr that writes its arguments, one per line, and its directory beside itself and exits as told.</summary>
    internal string WriteFakePitr(int exitCode = 0, string name = "pitr") => WriteProgram(
        name,
        $"""
        #!/bin/sh
        printf '%s\n' "$@" > "{Path}/arguments"
        pwd > "{Path}/directory"
        printf '%s\n' "$0" > "{Path}/program"
        exit {exitCode}

        """);

    internal bool PitrRan => File.Exists(this["arguments"]);

    internal string[] PitrArguments => File.ReadAllLines(this["arguments"]);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
