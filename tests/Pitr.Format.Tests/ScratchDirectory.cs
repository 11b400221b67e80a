namespace Pitr.Format.Tests;

/// <summary>A directory of its own for one test, removed afterwards.</summary>
sealed class ScratchDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("pitr-format-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
