namespace Pitr.Operations.Configuration;

/// <summary>
/// What one reading of a configuration gathers: problems, the keys that were declared, and which environment variables belong to them.
/// </summary>
sealed class ConfigurationReading(string file, Func<string, string?> environment)
{
    // What the project's own tests hand down to the programs they start.
    const string TestVariables = "PITR_TEST_";

    /// <summary>Variables with the prefix that are no overrides: other programs and options of pitr read them.</summary>
    public static readonly IReadOnlyList<string> ReservedVariables = ["PITR_CONFIG", "PITR_PROGRAM", "PITR_ARCHIVE_PROGRAM", "PITR_SOCKET", "PITR_PASSPHRASE"];

    public const string Prefix = "PITR_";

    readonly List<ConfigurationProblem> _problems = [];
    readonly Dictionary<string, string> _variables = new(StringComparer.Ordinal);
    readonly Dictionary<string, ConfigurationKey> _keys = new(StringComparer.Ordinal);
    readonly SortedSet<string> _overrides = new(StringComparer.Ordinal);
    readonly HashSet<string> _references = new(StringComparer.Ordinal);
    readonly List<string> _unreadPrefixes = [];
    readonly List<(ConfigurationLocation Where, string Key, YamlSection Section)> _unknown = [];

    public string File => file;

    public Func<string, string?> Environment => environment;

    /// <summary>Whether a secret stands in the file itself, so that the file has to be private.</summary>
    public ConfigurationLocation? LiteralSecret { get; private set; }

    public IReadOnlyCollection<ConfigurationKey> Keys => _keys.Values;

    public IReadOnlyList<string> Overrides => [.. _overrides];

    /// <summary>The environment variables that secrets refer to.</summary>
    public IReadOnlyList<string> References => [.. _references.Order(StringComparer.Ordinal)];

    public void Report(ConfigurationLocation where, string message, string? hint = null) => _problems.Add(where.Problem(message, hint));

    public void Report(ConfigurationProblem problem) => _problems.Add(problem);

    /// <summary>Remembers a key nobody asked for; reported by <see cref="Complete"/>, when all keys there are have been declared.</summary>
    public void ReportUnknown(ConfigurationLocation where, string key, YamlSection section) => _unknown.Add((where, key, section));

    /// <summary>Declares a key and returns the value that the environment gives it, if any.</summary>
    public ScalarValue? Declare(ConfigurationKey key, string path, string variable)
    {
        _keys.TryAdd(key.Path, key);
        var value = environment(variable);
        if (!_variables.TryAdd(variable, path) && value is not null)
        {
            // Two names that differ only in - _ . look the same in a variable; picking one would change the wrong service.
            Report(
                new ConfigurationLocation(variable, 0, 0),
                $"could mean {_variables[variable]} or {path}",
                "rename one of them, or set the value in the file");
            return null;
        }
        if (value is null)
        {
            return null;
        }
        _overrides.Add(variable);
        return new ScalarValue(value, new ConfigurationLocation(variable, 0, 0), IsFromFile: false);
    }

    /// <summary>Says that what is below was not read because of an error already reported, so its overrides can not be judged.</summary>
    public void LeaveUnread(string variablePrefix) => _unreadPrefixes.Add(variablePrefix);

    /// <summary>A variable that a secret refers to may carry the prefix without being an override.</summary>
    public void Reference(string variable) => _references.Add(variable);

    public void FoundLiteralSecret(ConfigurationLocation where) => LiteralSecret ??= where;

    /// <summary>Judges what only the whole can tell, and throws if anything is wrong.</summary>
    /// <param name="environmentNames">Names of all variables that are set.</param>
    public void Complete(IEnumerable<string> environmentNames)
    {
        foreach (var (where, key, section) in _unknown)
        {
            Report(where, $"unknown key \"{Shown(key)}\" in {section.Title}", HintFor(key, section));
        }
        foreach (var name in environmentNames.Where(IsUnknownOverride).Order(StringComparer.Ordinal))
        {
            Report(
                new ConfigurationLocation(name, 0, 0),
                "overrides no key of the configuration",
                NearestName.Find(name, _variables.Keys) is { } nearest
                    ? $"did you mean {nearest}? otherwise remove the variable"
                    : $"remove the variable; names are {Prefix} and the path in capitals, __ between levels, _ for -, "
                        + "and only services and repositories in the file can be named");
        }
        ThrowIfAny();
    }

    public void ThrowIfAny()
    {
        if (_problems.Count > 0)
        {
            throw new ConfigurationException(
                [.. _problems.Distinct().OrderBy(p => p.Line == 0 && p.File != file).ThenBy(p => p.Line).ThenBy(p => p.Column)]);
        }
    }

    /// <summary>
    /// A key as messages may repeat it: as far as it looks like one. <c>password:secret</c> without the space is a key to YAML.
    /// </summary>
    public static string Shown(string key)
    {
        const int LongestShown = 63;
        var word = 0;
        while (word < Math.Min(key.Length, LongestShown) && (char.IsAsciiLetterOrDigit(key[word]) || key[word] is '_' or '-'))
        {
            word++;
        }
        return word == key.Length ? key : key[..word] + "…";
    }

    bool IsUnknownOverride(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal)
        && !ReservedVariables.Contains(name)
        && !name.StartsWith(TestVariables, StringComparison.Ordinal)
        && !_variables.ContainsKey(name)
        && !_references.Contains(name)
        && !_unreadPrefixes.Exists(prefix => name.StartsWith(prefix, StringComparison.Ordinal));

    string HintFor(string key, YamlSection section)
    {
        if (key.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon && section.KnownKeys.Contains(key[..colon]))
        {
            return $"put a space after \"{key[..colon]}:\"";
        }
        // "rpo: 5m" one level too high is a likelier slip than a misspelling.
        var elsewhere = _keys.Keys
            .Where(path => path.EndsWith("." + key, StringComparison.Ordinal))
            .Select(path => path[..^(key.Length + 1)])
            .ToList();
        return elsewhere.Count > 0 && NearestName.Find(key, section.KnownKeys) is null
            ? $"\"{key}\" belongs in {string.Join(" or ", elsewhere)}"
            : NearestName.Hint(key, section.KnownKeys, "valid keys");
    }
}
