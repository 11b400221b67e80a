using System.Globalization;

namespace Pitr.ArchiveCommand;

/// <summary>
/// The parsed command line. A wrong one has <see cref="Error"/> set and still names the <see cref="Verb"/> as far as it is known,
/// because the exit code depends on it.
/// </summary>
sealed class CommandLine
{
    const int MaximumPathLength = 4096; // PATH_MAX of Linux
    const int LongestTimeout = 86_400;
    const int DefaultTimeout = 600;

    readonly List<string> _positional = [];

    internal ArchiveVerb Verb { get; private set; }

    internal bool WantsHelp { get; private set; }

    internal bool WantsVersion { get; private set; }

    internal string Service { get; private set; } = "";

    /// <summary>The name of the wanted file (get), else empty.</summary>
    internal string File { get; private set; } = "";

    /// <summary>As given: relative paths are relative to the current directory, PostgreSQL's data directory.</summary>
    internal string Path { get; private set; } = "";

    internal bool Standby { get; private set; }

    /// <summary>Names of the repositories to ask (get), comma-separated; null asks all of the service's.</summary>
    internal string? Repositories { get; private set; }

    internal string? Socket { get; private set; }

    internal string? Config { get; private set; }

    internal string? Program { get; private set; }

    /// <summary>How long the agent may take for its whole answer.</summary>
    internal int TimeoutSeconds { get; private set; } = DefaultTimeout;

    /// <summary>What is wrong with the command line; null if nothing.</summary>
    internal string? Error { get; private set; }

    internal static CommandLine Parse(ReadOnlySpan<string> arguments)
    {
        var line = new CommandLine();
        // Only alone: an exit code 0 with help text, out of an archive_command with a stray --help, would acknowledge a segment.
        if (arguments.Length == 1 && arguments[0] is "--help" or "-h")
        {
            line.WantsHelp = true;
            return line;
        }

        if (arguments.Length == 1 && arguments[0] is "--version")
        {
            line.WantsVersion = true;
            return line;
        }

        for (var i = 0; i < arguments.Length; i++)
        {
            line.Take(arguments, ref i);
        }

        line.AssignPositional();
        return line;
    }

    void Take(ReadOnlySpan<string> arguments, ref int i)
    {
        var argument = arguments[i];
        if (!argument.StartsWith('-'))
        {
            TakePositional(argument);
            return;
        }

        string? value = null;
        var name = argument;
        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        if (equals > 0)
        {
            name = argument[..equals];
            value = argument[(equals + 1)..];
        }

        switch (name)
        {
            case "--standby" when value is null:
                Standby = true;
                break;
            case "--repository":
                Repositories = Value(name, value, arguments, ref i);
                break;
            case "--socket":
                Socket = Value(name, value, arguments, ref i);
                break;
            case "--config":
                Config = Value(name, value, arguments, ref i);
                break;
            case "--pitr":
                Program = Value(name, value, arguments, ref i);
                break;
            case "--timeout":
                TakeTimeout(Value(name, value, arguments, ref i));
                break;
            case "--help" or "-h" or "--version":
                Fail($"{name} stands alone");
                break;
            default:
                Fail($"unknown option \"{argument}\"");
                break;
        }
    }

    string? Value(string name, string? inline, ReadOnlySpan<string> arguments, ref int i)
    {
        var value = inline ?? (i + 1 < arguments.Length ? arguments[++i] : "");
        if (value.Length == 0)
        {
            Fail($"{name} needs a value");
            return null;
        }

        return IsClean(name, value) ? value : null;
    }

    void TakeTimeout(string? text)
    {
        if (text is null)
        {
            return;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 1 and <= LongestTimeout)
        {
            TimeoutSeconds = seconds;
        }
        else
        {
            Fail($"--timeout takes whole seconds from 1 to {LongestTimeout}, not \"{text}\"");
        }
    }

    void TakePositional(string argument)
    {
        _positional.Add(argument);
        if (_positional.Count == 1)
        {
            Verb = argument switch { "push" => ArchiveVerb.Push, "get" => ArchiveVerb.Get, _ => ArchiveVerb.None };
        }
    }

    void AssignPositional()
    {
        if (Verb == ArchiveVerb.None)
        {
            Fail(_positional.Count == 0 ? "nothing to do: neither push nor get given" : $"unknown verb \"{_positional[0]}\"");
            return;
        }

        string[] names = Verb == ArchiveVerb.Push ? ["SERVICE", "PATH"] : ["SERVICE", "FILE", "PATH"];
        if (_positional.Count != names.Length + 1)
        {
            Fail($"{_positional[0]} takes {string.Join(' ', names)}: {names.Length} arguments, not {_positional.Count - 1}");
            return;
        }

        for (var i = 0; i < names.Length; i++)
        {
            var value = _positional[i + 1];
            if (value.Length == 0)
            {
                Fail($"{names[i]} is empty");
            }
            else if (value.Length > MaximumPathLength)
            {
                Fail($"{names[i]} is longer than {MaximumPathLength} characters");
            }
            else
            {
                IsClean(names[i], value);
            }
        }

        if (Standby && Verb == ArchiveVerb.Push)
        {
            Fail("--standby belongs to get");
        }

        if (Repositories is not null && Verb == ArchiveVerb.Push)
        {
            // Whom a push has to reach is the configuration's business.
            Fail("--repository belongs to get");
        }

        Service = _positional[1];
        File = Verb == ArchiveVerb.Get ? _positional[2] : "";
        Path = _positional[^1];
    }

    /// <summary>
    /// A line feed would add a line to the request, and bytes that are no UTF-8 have been replaced on the way in
    /// (U+FFFD), so that another file would be meant.
    /// </summary>
    bool IsClean(string name, string value)
    {
        foreach (var c in value)
        {
            if (char.IsControl(c))
            {
                Fail($"{name} contains the control character 0x{(int)c:X2}: \"{value}\"");
                return false;
            }

            if (c == '\uFFFD')
            {
                Fail($"{name} is not valid UTF-8: \"{value}\"");
                return false;
            }
        }

        return true;
    }

    void Fail(string error) => Error ??= error;
}
