namespace Pitr.Operations.Configuration;

/// <summary>
/// The configuration can not be used. <see cref="Problems"/> has everything that was found, in the order of the file.
/// For a single problem <see cref="Exception.Message"/> is its line and <see cref="Hint"/> what to do about it; for several the message
/// lists each with its hint below, and <see cref="Hint"/> is null: printing the message, then the hint, says everything once.
/// </summary>
public sealed class ConfigurationException : Exception
{
    /// <summary>A single problem.</summary>
    public ConfigurationException(ConfigurationProblem problem)
        : this([problem])
    {
    }

    /// <summary>Everything that was found.</summary>
    /// <param name="problems">At least one.</param>
    public ConfigurationException(IReadOnlyList<ConfigurationProblem> problems)
        : base(Describe(problems)) => Problems = problems;

    /// <summary>Everything that was found; at least one.</summary>
    public IReadOnlyList<ConfigurationProblem> Problems { get; }

    /// <summary>The file of the first problem.</summary>
    public string File => Problems[0].File;

    /// <summary>The line of the first problem, from 1, or 0.</summary>
    public int Line => Problems[0].Line;

    /// <summary>The column of the first problem, from 1, or 0.</summary>
    public int Column => Problems[0].Column;

    /// <summary>What to do about the only problem, or null.</summary>
    public string? Hint => Problems.Count == 1 ? Problems[0].Hint : null;

    static string Describe(IReadOnlyList<ConfigurationProblem> problems)
    {
        if (problems.Count == 0)
        {
            throw new ArgumentException("an error needs at least one problem", nameof(problems));
        }
        if (problems.Count == 1)
        {
            return problems[0].ToString();
        }
        var lines = problems.SelectMany(
            problem => problem.Hint is null ? [$"{problem}"] : (string[])[$"{problem}", $"  HINT: {problem.Hint}"]);
        return string.Join('\n', lines.Prepend($"{problems.Count} problems in the configuration:"));
    }
}
