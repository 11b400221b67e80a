using YamlDotNet.Core;

namespace Pitr.Operations.Configuration;

/// <summary>Where something was written: a place in the file, the whole file (line 0), or an environment variable.</summary>
readonly record struct ConfigurationLocation(string File, int Line, int Column)
{
    public static ConfigurationLocation At(string file, Mark mark) => new(file, (int)mark.Line, (int)mark.Column);

    public ConfigurationProblem Problem(string message, string? hint = null) => new(File, Line, Column, message, hint);
}
