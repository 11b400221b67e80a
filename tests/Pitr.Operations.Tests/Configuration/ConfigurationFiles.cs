using Pitr.Operations.Configuration;

namespace Pitr.Operations.Tests.Configuration;

/// <summary>A directory of files for one test, and the smallest configuration that is right.</summary>
public abstract class ConfigurationFiles : IDisposable
{
    internal const string Minimal =
        """
        repositories:
          local: { url: file:///var/lib/pitr/repository }
        encryption:
          recipients: [/etc/pitr/recipient.pem]
        services:
          main:
            kind: postgres
            repositories: [local]

        """;

    /// <summary>A repository of each scheme and a service of each kind, named after it (<c>main</c> for postgres), with no key more than it needs.</summary>
    internal const string EveryKind =
        """
        repositories:
          file: { url: file:///var/lib/pitr/repository }
          s3: { url: s3://company-backups/pitr }
          sftp: { url: sftp://box.example.net/srv/pitr }
          ftp: { url: ftp://me@box.example.net/pitr, password: "${FTP_PASSWORD}" }
          ftps: { url: ftps://me@box.example.net/pitr, password: "${FTP_PASSWORD}" }
        encryption:
          recipients: [/etc/pitr/recipient.pem]
        services:
          main:
            kind: postgres
            repositories: [file, s3, sftp, ftp, ftps]
            drill: { checks: { main: { sql: "SELECT 1", expect: "1" } } }
          postgres-dump: { kind: postgres-dump, repositories: [file], databases: [x], staging-directory: /s }
          mysql: { kind: mysql, repositories: [file] }
          redis: { kind: redis, repositories: [file], drill: { checks: { main: { command: PING, expect: PONG } } } }
          mongodb: { kind: mongodb, repositories: [file] }
          qdrant: { kind: qdrant, repositories: [file] }
          files: { kind: files, repositories: [file], paths: [/etc], include: [a], exclude: [b], journal: { units: [a], identifiers: [b], matches: [A=b] }, drill: { checks: { main: { run: "true" } } } }

        """;

    /// <summary>The service of <see cref="EveryKind"/> that has a key.</summary>
    internal static string ServiceWith(string path) => path.Split('.')[2..] switch
    {
        ["databases" or "jobs" or "staging-directory" or "staging-size"] or ["backup", "part-size"] => "postgres-dump",
        ["drill", "checks", _, "command"] => "redis",
        ["drill", "checks", _, "run" or "path" or "min-files" or "max-age"] => "files",
        ["paths" or "include" or "exclude" or "one-file-system"] or ["journal", ..] => "files",
        ["host" or "port" or "socket" or "user" or "option-file"] => "mysql",
        ["uri" or "authentication-database" or "oplog"] => "mongodb",
        ["url" or "api-key" or "collections" or "timeout"] => "qdrant",
        _ => "main",
    };

    internal static readonly IReadOnlyDictionary<string, string> NoEnvironment = new Dictionary<string, string>(StringComparer.Ordinal);

    readonly string _directory = Directory.CreateTempSubdirectory("pitr-configuration-").FullName;

    internal static Dictionary<string, string> Variables(params (string Name, string Value)[] variables) =>
        variables.ToDictionary(v => v.Name, v => v.Value, StringComparer.Ordinal);

    internal string Write(string text, string name = "pitr.yaml", UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        var path = Path.Combine(_directory, name);
        File.WriteAllText(path, text);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, mode);
        }
        return path;
    }

    internal string PathOf(string name) => Path.Combine(_directory, name);

    internal PitrConfiguration Load(string yaml, IReadOnlyDictionary<string, string>? environment = null) =>
        ConfigurationLoader.Load(Write(yaml), environment ?? NoEnvironment);

    internal ConfigurationException Refused(string yaml, IReadOnlyDictionary<string, string>? environment = null) =>
        Assert.Throws<ConfigurationException>(() => Load(yaml, environment));

    /// <summary>A configuration with one repository, <c>offsite</c>, of these lines.</summary>
    internal static string Offsite(string lines) =>
        "repositories:\n  offsite:\n" + Indented(lines, 4) + "encryption: { recipients: [/a.pem] }\nservices: { main: { kind: postgres, repositories: [offsite] } }\n";

    /// <summary>
    /// Requires that the text, its place marked by a <c>¦</c> that is taken out before reading, has exactly this one problem at that place.
    /// </summary>
    internal void RequireProblem(string marked, string message, string? hint)
    {
        var before = marked[..marked.IndexOf('¦', StringComparison.Ordinal)];
        var line = before.Count(character => character == '\n') + 1;
        var column = before.Length - before.LastIndexOf('\n');

        var e = Refused(marked.Replace("¦", "", StringComparison.Ordinal));

        var problem = Assert.Single(e.Problems);
        Assert.Equal(message, problem.Message);
        Assert.Equal((line, column), (e.Line, e.Column));
        Assert.Equal(hint, e.Hint);
        Assert.Equal($"{e.File}:{line}:{column}: {message}", e.Message);
    }

    /// <summary>All that a person gets to see of a configuration, right or wrong.</summary>
    internal IEnumerable<string> Outcome(string yaml, IReadOnlyDictionary<string, string> environment)
    {
        try
        {
            return RedactionTests.Printed(Load(yaml, environment));
        }
        catch (ConfigurationException e)
        {
            return [e.ToString(), e.Message, e.Hint ?? "", .. e.Problems.Select(p => p.ToString() + p.Hint)];
        }
    }

    /// <summary>A repository of <see cref="EveryKind"/> that may have the key.</summary>
    /// <param name="path">As <see cref="ConfigurationKey.Path"/> gives it, below <c>repositories.*</c>.</param>
    internal static string KindWith(string path) =>
        RepositoryBinding.Schemes.First(scheme => RepositoryBinding.KeysOf(scheme).Contains(path.Split('.')[2]));

    internal static string DirectoryOf(RepositorySettings repository) => Assert.IsType<FileDriverSettings>(repository.Driver).Directory;

    /// <summary>The minimal configuration with further lines below <c>services.main</c>, given without their indentation.</summary>
    internal static string InMain(string lines) => Minimal + Indented(lines, 4);

    /// <summary>The minimal configuration with further lines at the top level before everything else.</summary>
    internal static string AtTop(string lines) => lines + "\n" + Minimal;

    internal static string Indented(string lines, int depth) =>
        string.Concat(lines.Split('\n').Select(line => new string(' ', depth) + line + "\n"));

    public void Dispose()
    {
        Directory.Delete(_directory, recursive: true);
        GC.SuppressFinalize(this);
    }
}
