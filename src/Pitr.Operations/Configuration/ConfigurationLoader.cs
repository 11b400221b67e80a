using System.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Pitr.Operations.Configuration;

/// <summary>Finds, reads and checks the configuration. All that is wrong is reported at once.</summary>
public static class ConfigurationLoader
{
    /// <summary>Where the configuration is when nobody says otherwise.</summary>
    public const string DefaultPath = "/etc/pitr/pitr.yaml";

    /// <summary>The variable that names another file.</summary>
    public const string PathVariable = "PITR_CONFIG";

    /// <summary>Longest configuration read, in bytes.</summary>
    public const int MaximumLength = 1024 * 1024;

    /// <summary>Environment variables that begin with <c>PITR_</c> and are no overrides of a key.</summary>
    public static IReadOnlyList<string> ReservedVariables => ConfigurationReading.ReservedVariables;

    /// <summary>The option of the command line, else <c>PITR_CONFIG</c>, else <see cref="DefaultPath"/>. Does not look whether it exists.</summary>
    /// <param name="option">What <c>--config</c> was given, or null.</param>
    /// <param name="environment">Looks up a variable.</param>
    public static string FindPath(string? option, Func<string, string?> environment)
    {
        if (!string.IsNullOrEmpty(option))
        {
            return option;
        }
        return environment(PathVariable) is { Length: > 0 } path ? path : DefaultPath;
    }

    /// <summary>
    /// Reads a file with the overrides of this process. Misspelt overrides are looked for among the variables of the process that
    /// <paramref name="environment"/> knows, because a look-up alone can not tell which names are set.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="environment">Looks up a variable; kept by secrets, which are read when they are needed.</param>
    /// <exception cref="ConfigurationException">Everything that is wrong, with places and hints; never a secret.</exception>
    public static PitrConfiguration Load(string path, Func<string, string?> environment) =>
        Load(path, environment, Environment.GetEnvironmentVariables().Keys.Cast<string>().Where(name => environment(name) is not null));

    /// <summary>Reads a file with exactly these environment variables.</summary>
    /// <inheritdoc cref="Load(string, Func{string, string?})"/>
    public static PitrConfiguration Load(string path, IReadOnlyDictionary<string, string> environment) =>
        Load(path, environment.GetValueOrDefault, environment.Keys);

    static PitrConfiguration Load(string path, Func<string, string?> environment, IEnumerable<string> environmentNames)
    {
        var reading = new ConfigurationReading(path, environment);
        var configuration = Read(reading, ReadFile(path));
        RequirePrivateIfLiteral(reading);
        reading.Complete(environmentNames);
        return configuration;
    }

    /// <summary>Judges a text that is about to become a file.</summary>
    /// <param name="text">The text.</param>
    /// <param name="source">What problems name in place of a file; they have no line, because nobody has seen one yet.</param>
    /// <param name="environment">The variables of the process.</param>
    /// <exception cref="ConfigurationException">Everything that would be wrong with the file; never a secret.</exception>
    internal static void RequireValid(string text, string source, IReadOnlyDictionary<string, string> environment)
    {
        var reading = new ConfigurationReading(source, environment.GetValueOrDefault);
        try
        {
            Read(reading, text);
            reading.Complete(environment.Keys);
        }
        catch (ConfigurationException e)
        {
            throw new ConfigurationException([.. e.Problems.Select(problem => problem with { Line = 0, Column = 0 })]);
        }
    }

    /// <summary>Every key there is, in the order of the documentation.</summary>
    internal static IReadOnlyCollection<ConfigurationKey> KnownKeys()
    {
        // Keys are declared by reading them, so reading the smallest configuration that reaches every section lists them all.
        var reading = new ConfigurationReading("", _ => null);
        var repositories = string.Join(", ", RepositoryBinding.Schemes.Select(scheme => $"{scheme}: {{ url: \"{scheme}://\" }}"));
        var dumps = string.Concat(DumpServiceBinding.Kinds.Select(kind => $", {kind}: {{ kind: {kind}, drill: {{ checks: {{ x: {{ }} }} }} }}"));
        Read(reading, $"repositories: {{ {repositories} }}\nservices: {{ x: {{ kind: postgres, drill: {{ checks: {{ x: {{ }} }} }} }}, files: {{ kind: files, drill: {{ checks: {{ x: {{ }} }} }} }}{dumps} }}");
        return reading.Keys;
    }

    static PitrConfiguration Read(ConfigurationReading reading, string text)
    {
        var root = Parse(reading, text);
        return ConfigurationBinding.Bind(reading, root);
    }

    static string ReadFile(string path)
    {
        byte[] bytes;
        try
        {
            using var stream = File.OpenRead(path);
            var buffer = new byte[MaximumLength + 1];
            bytes = buffer[..stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Fail(path, "the configuration does not exist", $"\"pitr init\" writes one; --config or {PathVariable} names another");
        }
        catch (UnauthorizedAccessException)
        {
            throw Directory.Exists(path)
                ? Fail(path, "the configuration is a directory", "name the file in it")
                : Fail(path, "the configuration can not be read: permission denied", "run as a user that may read it");
        }
        catch (IOException e)
        {
            throw Fail(path, "the configuration can not be read: " + e.Message, null);
        }
        if (bytes.Length > MaximumLength)
        {
            throw Fail(path, $"the configuration is longer than {MaximumLength} bytes", "is this the right file?");
        }
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes).TrimStart('\ufeff');
        }
        catch (DecoderFallbackException)
        {
            throw Fail(path, "the configuration is not UTF-8 text", "save it as UTF-8");
        }
    }

    static YamlNode Parse(ConfigurationReading reading, string text)
    {
        try
        {
            var stream = new YamlStream();
            stream.Load(new BoundedYamlParser(new StringReader(text), reading));
            if (stream.Documents.Count == 0)
            {
                throw Fail(reading.File, "the configuration is empty", "\"pitr init\" writes one to start from");
            }
            return stream.Documents[0].RootNode;
        }
        catch (YamlException e)
        {
            reading.Report(ConfigurationLocation.At(reading.File, e.Start), "invalid YAML: " + Lowered(e.Message), HintFor(text, e));
        }
        catch (ConfigurationException e)
        {
            foreach (var problem in e.Problems)
            {
                reading.Report(problem);
            }
        }
        reading.ThrowIfAny();
        throw new InvalidOperationException("a configuration that could not be parsed had no problem");
    }

    static string? HintFor(string text, YamlException e)
    {
        var lines = text.Split('\n');
        // The mark is where the value began for some errors and where it broke for others; a tab breaks what the line before began.
        var first = Math.Clamp((int)e.Start.Line - 1, 0, lines.Length - 1);
        var last = Math.Clamp((int)e.End.Line, first, lines.Length - 1);
        var lineText = string.Concat(lines[first..(last + 1)]);
        return lineText.Contains("${", StringComparison.Ordinal) ? "between { } a reference needs quotes: \"${VARIABLE}\""
            : lineText.Contains('\t') ? "indent with spaces, not with tabs"
            : "a value with : # { } [ ] , & * ! | > ' \" % @ ` in it may need quotes";
    }

    static string Lowered(string message) => char.ToLowerInvariant(message[0]) + message[1..].TrimEnd('.');

    static void RequirePrivateIfLiteral(ConfigurationReading reading)
    {
        if (reading.LiteralSecret is { } where && SecretFile.IsReadableByOthers(reading.File))
        {
            reading.Report(
                where,
                "a secret stands in this file, which everybody on this host can read",
                $"chmod 0640 {reading.File}, or refer to the secret with ${{VARIABLE}} or file:/path");
        }
    }

    static ConfigurationException Fail(string path, string message, string? hint) => new(new ConfigurationProblem(path, 0, 0, message, hint));
}
