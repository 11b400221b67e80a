using YamlDotNet.RepresentationModel;

namespace Pitr.Operations.Configuration;

/// <summary>
/// One mapping of the configuration with typed getters. A getter declares its key, lets the environment override it, checks the value,
/// reports what is wrong with file, line and column, and then answers with the default so that reading goes on and finds the rest.
/// <see cref="Close"/> reports the keys nobody asked for.
/// </summary>
sealed class YamlSection
{
    /// <summary>The type of keys whose values are shown nowhere.</summary>
    public const string SecretType = "secret";

    // The type of keys that belong to a secret, and may be references like it.
    const string PublicSecretType = "text or reference";

    readonly ConfigurationReading _reading;
    readonly string _path;
    readonly string _pattern;
    readonly string _variable;
    readonly ConfigurationLocation _where;
    readonly bool _isMistyped;
    readonly Dictionary<string, (YamlNode Key, YamlNode Value)> _entries = new(StringComparer.Ordinal);
    readonly List<string> _known = [];

    YamlSection(
        ConfigurationReading reading,
        YamlNode? node,
        ConfigurationLocation where,
        string path,
        string pattern,
        string variable,
        bool isMistyped = false)
    {
        _isMistyped = isMistyped;
        (_reading, _where, _path, _pattern, _variable) = (reading, where, path, pattern, variable);
        if (node is YamlMappingNode mapping)
        {
            YamlMapping.Read(mapping, _entries, (at, message, hint) => reading.Report(At(at), $"{message} in {Title}", hint));
        }
        else if (node is not null && !YamlMapping.IsNull(node))
        {
            _isMistyped = true;
            reading.Report(At(node), $"{Title} must be a mapping of keys to values, but is {YamlMapping.Describe(node)}", null);
        }
    }

    /// <summary>What the section is called in messages: its path in double quotes.</summary>
    public string Title => _path.Length == 0 ? "the configuration" : $"\"{_path}\"";

    public IReadOnlyList<string> KnownKeys => _known;

    /// <summary>The last part of the path: the name the user chose, for a section made by <see cref="Entries"/>.</summary>
    public string Name { get; private init; } = "";

    public ConfigurationLocation Where => _where;

    public static YamlSection Root(ConfigurationReading reading, YamlNode? node) =>
        new(reading, node, new ConfigurationLocation(reading.File, 1, 1), "", "", ConfigurationReading.Prefix);

    /// <summary>A section that may be left out; then it is empty and its keys have their defaults.</summary>
    public YamlSection Section(string key)
    {
        Know(key);
        return Below(key, key, _pattern);
    }

    /// <summary>The entries of a mapping whose keys are names chosen by the user.</summary>
    /// <param name="key">The key of the mapping.</param>
    /// <param name="what">What they name.</param>
    /// <param name="isRequired">Whether there must be one at least.</param>
    public IReadOnlyList<YamlSection> Entries(string key, string what, bool isRequired = true)
    {
        Know(key);
        var named = Below(key, key, _pattern);
        var entries = new List<YamlSection>();
        foreach (var (name, (keyNode, _)) in named._entries)
        {
            if (EntryName.IsValid(name))
            {
                entries.Add(named.Below(name, "*", named._pattern));
            }
            else
            {
                _reading.Report(At(keyNode), $"\"{name}\" can not name a {what}", EntryName.Rule);
                _reading.LeaveUnread(named.VariableOf(name) + "__");
            }
        }
        if (isRequired && named._entries.Count == 0 && !named._isMistyped)
        {
            _reading.Report(named._where, $"\"{key}\" names no {what}", $"add at least one {what} below \"{key}:\"");
        }
        return entries;
    }

    /// <summary>Text that must be there; null if it is not, which has been reported.</summary>
    public ScalarValue? RequiredText(string key, string type) => Read(key, type, defaultText: null, isRequired: true);

    /// <summary>Text that must be there and may have several lines; null if it is not there, which has been reported.</summary>
    public ScalarValue? RequiredLines(string key, string type) => Read(key, type, defaultText: null, isRequired: true, mayHaveLines: true);

    public ScalarValue? OptionalText(string key, string type, string? defaultText = null) => Read(key, type, defaultText, isRequired: false);

    /// <summary>An absolute path.</summary>
    public string Path(string key, string defaultPath) => CheckedPath(key, Read(key, "path", defaultPath, isRequired: false)) ?? defaultPath;

    /// <summary>An absolute path, or null if there is none.</summary>
    public string? OptionalPath(string key) => CheckedPath(key, Read(key, "path", defaultText: null, isRequired: false));

    /// <summary>A secret or a reference to one, or null if there is none.</summary>
    /// <param name="key">The key.</param>
    /// <param name="isRequired">Whether leaving it out is an error.</param>
    /// <param name="isPublic">Whether the value may stand in a file that everybody reads, because only what it belongs to is a secret.</param>
    public SecretValue? Secret(string key, bool isRequired = false, bool isPublic = false)
    {
        if (!isPublic
            && _entries.TryGetValue(key, out var entry)
            && entry.Value is YamlScalarNode { Value: { Length: > 0 } text }
            && !YamlMapping.IsNull(entry.Value)
            && !SecretReference.IsReference(text))
        {
            // Also when the environment overrides it: what stands in the file can be read there all the same.
            _reading.FoundLiteralSecret(At(entry.Value));
        }
        return Read(key, isPublic ? PublicSecretType : SecretType, defaultText: null, isRequired, isSecret: true) is { } value
            ? SecretReference.Parse(_reading, Of(key), value, isPublic)
            : null;
    }

    /// <summary>Follows the rules of secrets for a value that came from elsewhere, e.g. from inside a connection string.</summary>
    public SecretValue? SecretFrom(string key, ScalarValue value) => SecretReference.Parse(_reading, Of(key), value);

    /// <summary>A list of values, none empty and none twice; at least one. The environment gives one with commas between.</summary>
    public IReadOnlyList<ScalarValue> RequiredList(string key, string type) => List(key, type, isRequired: true);

    /// <summary>As <see cref="RequiredList"/>, but it may be left out; then nothing is in it.</summary>
    public IReadOnlyList<ScalarValue> OptionalList(string key, string type) => List(key, type, isRequired: false);

    IReadOnlyList<ScalarValue> List(string key, string type, bool isRequired)
    {
        Know(key);
        var path = PathOf(key);
        if (_reading.Declare(new ConfigurationKey(PatternOf(key), type, null, isRequired), path, VariableOf(key)) is { } overriding)
        {
            return Distinct(key, overriding.Where, overriding.Text
                .Split(',', StringSplitOptions.TrimEntries)
                .Select(item => overriding with { Text = item }));
        }
        if (!_entries.TryGetValue(key, out var entry))
        {
            if (isRequired)
            {
                ReportMissing(key, "a " + type);
            }
            return [];
        }
        if (entry.Value is not YamlSequenceNode sequence)
        {
            _reading.Report(
                At(entry.Value),
                YamlMapping.IsNull(entry.Value) ? $"{Of(key)} is empty" : $"{Of(key)} must be a {type}, but is {YamlMapping.Describe(entry.Value)}",
                $"write {key}: [ … ]");
            return [];
        }
        var items = new List<ScalarValue>();
        foreach (var node in sequence.Children)
        {
            if (node is YamlScalarNode scalar)
            {
                items.Add(new ScalarValue(YamlMapping.IsNull(node) ? "" : scalar.Value!, At(node), IsFromFile: true));
            }
            else
            {
                _reading.Report(At(node), $"{Of(key)} must be a {type}, but holds {YamlMapping.Describe(node)}", null);
            }
        }
        return sequence.Children.Count == items.Count || items.Count > 0 ? Distinct(key, At(sequence), items) : [];
    }

    /// <summary>A command: a text for the shell, or a list of words that is run as it is; null if there is none. The environment gives a text.</summary>
    public CommandText? OptionalCommand(string key)
    {
        const string type = "shell command or list of words";
        if (!_entries.TryGetValue(key, out var entry) || entry.Value is not YamlSequenceNode sequence || _reading.Environment(VariableOf(key)) is not null)
        {
            return OptionalText(key, type) is { } text ? new CommandText([text.Text], IsShell: true) : null;
        }
        Know(key);
        _reading.Declare(new ConfigurationKey(PatternOf(key), type, null, IsRequired: false), PathOf(key), VariableOf(key));
        var words = sequence.Children
            .Select(node => node is YamlScalarNode { Value: { } word } ? Filled(key, new ScalarValue(word, At(node), IsFromFile: true), isSecret: false)?.Text : null)
            .ToArray();
        if (words.Length > 0 && !words.Contains(null))
        {
            return new CommandText([.. words.OfType<string>()], IsShell: false);
        }
        _reading.Report(At(sequence), $"{Of(key)} is no list of words", $"write {key}: [ /path/to/program, argument ]");
        return null;
    }

    /// <summary>A list of absolute paths.</summary>
    public IReadOnlyList<string> RequiredPaths(string key) => Paths(key, isRequired: true);

    /// <summary>As <see cref="RequiredPaths"/>, but it may be left out; then nothing is in it.</summary>
    public IReadOnlyList<string> OptionalPaths(string key) => Paths(key, isRequired: false);

    IReadOnlyList<string> Paths(string key, bool isRequired) =>
        [.. List(key, "list of paths", isRequired).Select(value => CheckedPath(key, value)).OfType<string>()];

    /// <summary>Whether the file or the environment has the key, right or wrong.</summary>
    public bool Holds(string key) => _entries.ContainsKey(key) || _reading.Environment(VariableOf(key)) is not null;

    /// <summary>Where the key's value was written; the section itself when it was not.</summary>
    public ConfigurationLocation WhereIs(string key) =>
        _reading.Environment(VariableOf(key)) is not null ? new ConfigurationLocation(VariableOf(key), 0, 0)
        : _entries.TryGetValue(key, out var entry) ? At(entry.Value)
        : _where;

    /// <summary>Reports the keys nobody asked for.</summary>
    /// <param name="explain">Tells what a key is for that this section could have had if it were of another kind, else null.</param>
    public void Close(Func<string, string?>? explain = null)
    {
        foreach (var (key, (node, _)) in _entries)
        {
            if (_known.Contains(key))
            {
                continue;
            }
            if (explain?.Invoke(key) is { } hint)
            {
                _reading.Report(At(node), $"unknown key \"{key}\" in {Title}", hint);
            }
            else
            {
                _reading.ReportUnknown(At(node), key, this);
            }
        }
    }

    /// <summary>Says that the rest of the section was not read because of an error already reported.</summary>
    public void LeaveUnread() => _reading.LeaveUnread(_variable + "__");

    public void Report(ConfigurationLocation where, string message, string? hint = null) => _reading.Report(where, message, hint);

    /// <summary>The key as messages name it: its path in double quotes.</summary>
    public string Of(string key) => $"\"{PathOf(key)}\"";

    void Know(string key) => _known.Add(key);

    string PathOf(string key) => _path.Length == 0 ? key : _path + "." + key;

    string PatternOf(string key) => _pattern.Length == 0 ? key : _pattern + "." + key;

    string VariableOf(string key) =>
        (_path.Length == 0 ? _variable : _variable + "__") + key.ToUpperInvariant().Replace('-', '_').Replace('.', '_');

    YamlSection Below(string key, string patternPart, string pattern)
    {
        var below = pattern.Length == 0 ? patternPart : pattern + "." + patternPart;
        return _entries.TryGetValue(key, out var entry)
            ? new YamlSection(_reading, entry.Value, At(entry.Key), PathOf(key), below, VariableOf(key)) { Name = key }
            : new YamlSection(_reading, null, _where, PathOf(key), below, VariableOf(key), _isMistyped) { Name = key };
    }

    ScalarValue? Read(string key, string type, string? defaultText, bool isRequired, bool isSecret = false, bool mayHaveLines = false)
    {
        Know(key);
        var declared = new ConfigurationKey(PatternOf(key), type, defaultText, isRequired);
        if (_reading.Declare(declared, PathOf(key), VariableOf(key)) is { } overriding)
        {
            return Filled(key, overriding, isSecret, mayHaveLines);
        }
        if (!_entries.TryGetValue(key, out var entry))
        {
            if (isRequired)
            {
                ReportMissing(key, isSecret ? "${VARIABLE} or file:/path" : type);
            }
            return null;
        }
        if (entry.Value is YamlScalarNode scalar)
        {
            return Filled(key, new ScalarValue(YamlMapping.IsNull(scalar) ? "" : scalar.Value!, At(scalar), IsFromFile: true), isSecret, mayHaveLines);
        }
        _reading.Report(At(entry.Value), $"{Of(key)} must be a single value ({type}), but is {YamlMapping.Describe(entry.Value)}", null);
        return null;
    }

    void ReportMissing(string key, string type)
    {
        // Of a section that is no mapping, everything is missing; saying so once is enough.
        if (!_isMistyped)
        {
            _reading.Report(_where, $"{Title} lacks the key \"{key}\"", $"add \"{key}\": {type}");
        }
    }

    ScalarValue? Filled(string key, ScalarValue value, bool isSecret, bool mayHaveLines = false)
    {
        if (string.IsNullOrWhiteSpace(value.Text))
        {
            _reading.Report(value.Where, $"{Of(key)} is empty", "give it a value, or remove it to have the default");
            return null;
        }
        if (value.Text.Any(c => c <= '\x1f' && !(mayHaveLines && c is '\n' or '\r' or '\t')))
        {
            _reading.Report(value.Where, $"{Of(key)} holds a control character", isSecret ? "keep such a secret in a file: file:/path" : null);
            return null;
        }
        if (!isSecret && value.Text.StartsWith("${", StringComparison.Ordinal))
        {
            _reading.Report(
                value.Where,
                $"{Of(key)} refers to a variable, which only secrets may",
                $"set {VariableOf(key)} in the environment to override it");
            return null;
        }
        return value;
    }

    string? CheckedPath(string key, ScalarValue? given)
    {
        if (given is not { } value)
        {
            return null;
        }
        if (!value.Text.StartsWith('/'))
        {
            _reading.Report(value.Where, $"{Of(key)} must be an absolute path, but is \"{value.Text}\"", "start it with /");
            return null;
        }
        // Textual only: a link in the path is the operator's business, but /a/../b and /a//b must compare equal to what they mean.
        return System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(value.Text));
    }

    List<ScalarValue> Distinct(string key, ConfigurationLocation where, IEnumerable<ScalarValue> items)
    {
        var distinct = new List<ScalarValue>();
        foreach (var item in items)
        {
            if (Filled(key, item, isSecret: false) is null)
            {
                continue;
            }
            if (distinct.Exists(other => string.Equals(other.Text, item.Text, StringComparison.Ordinal)))
            {
                _reading.Report(item.Where, $"{Of(key)} holds \"{item.Text}\" twice", "keep one of them");
                continue;
            }
            distinct.Add(item);
        }
        if (distinct.Count == 0 && !items.Any())
        {
            _reading.Report(where, $"{Of(key)} is empty", "it needs at least one entry");
        }
        return distinct;
    }

    ConfigurationLocation At(YamlNode node) => ConfigurationLocation.At(_reading.File, node.Start);
}
