namespace Pitr.Postgres.Cluster;

/// <summary>A directory with the programs of one PostgreSQL major version.</summary>
public sealed record BinDirectory(string Path, int MajorVersion)
{
    /// <summary>Absolute path of a program.</summary>
    /// <exception cref="ServerException">The program is not there.</exception>
    public string Program(string name)
    {
        var path = System.IO.Path.Combine(Path, name);
        return File.Exists(path)
            ? path
            : throw new ServerException(
                $"{name} is not in {Path}",
                $"install PostgreSQL {MajorVersion}'s server and client packages, or configure another directory");
    }

    public bool Has(string program) => File.Exists(System.IO.Path.Combine(Path, program));
}
