namespace Pitr.Cli.Output;

/// <summary>Writes words for commands that are printed to be typed.</summary>
static class ShellText
{
    /// <summary>A word as a shell takes it, quoted only where it must be.</summary>
    public static string Word(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_' or ':') ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
