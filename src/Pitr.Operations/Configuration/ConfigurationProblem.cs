namespace Pitr.Operations.Configuration;

/// <summary>One thing that is wrong with the configuration. Never holds a secret.</summary>
/// <param name="File">The configuration file as given, or the environment variable whose value is wrong.</param>
/// <param name="Line">Line in the file from 1, or 0 where there is none.</param>
/// <param name="Column">Column from 1, or 0 where there is none.</param>
/// <param name="Message">What is wrong, naming the key.</param>
/// <param name="Hint">What to do, or null.</param>
public sealed record ConfigurationProblem(string File, int Line, int Column, string Message, string? Hint)
{
    /// <summary><c>pitr.yaml:12:5: message</c>, or <c>pitr.yaml: message</c> where there is no line. Without the hint.</summary>
    public override string ToString() => Line > 0 ? $"{File}:{Line}:{Column}: {Message}" : $"{File}: {Message}";
}
