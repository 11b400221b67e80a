namespace Pitr.Storage.Tests;

/// <summary>A new directory, removed with everything in it at the end.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    public TemporaryDirectory(string? below = null) => Path = below is null
        ? Directory.CreateTempSubdirectory("pitr-storage-").FullName
        : Directory.CreateDirectory(System.IO.Path.Combine(below, $"pitr-storage-{Guid.NewGuid():N}")).FullName;

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        foreach (var directory in Directory.EnumerateDirectories(Path, "*", new EnumerationOptions
        {
            RecurseSubdirectories = true,
            AttributesToSkip = FileAttributes.ReparsePoint,
        }))
        {
            // Some tests lock themselves out.
            System.IO.File.SetUnixFileMode(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        Directory.Delete(Path, recursive: true);
    }
}
