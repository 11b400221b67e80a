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
