namespace Pitr.Postgres.Tests.Servers;

/// <summary>A directory with a short path (sockets go there) that is gone after the test, whatever its outcome.</summary>
public sealed class TestDirectory : IDisposable
{
    public TestDirectory() => Path = Directory.CreateTempSubdirectory("pitr-").FullName;

    public string Path { get; }

    public string Sub(string name) => System.IO.Path.Combine(Path, name);

    public string NewSub(string name) => Directory.CreateDirectory(Sub(name)).FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
