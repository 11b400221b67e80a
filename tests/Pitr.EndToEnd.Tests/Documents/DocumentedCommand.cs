using System.Text.RegularExpressions;

namespace Pitr.EndToEnd.Tests.Documents;

/// <summary>A command of pitr that a document or a help text shows.</summary>
/// <param name="Source">Where it stands: a file, or the command whose help it is.</param>
/// <param name="Text">What a reader types, in the shell's language.</param>
sealed partial record DocumentedCommand(string Source, string Text)
{
    /// <summary>The commands in the code blocks of a document: lines that begin with pitr, maybe behind a prompt and sudo.</summary>
    public static IEnumerable<DocumentedCommand> OfMarkdown(string source, string text)
    {
        var isCode = false;
        foreach (var line in Joined().Replace(text, " ").Split('\n'))
        {
            if (line.TrimStart().StartsWith("```", StringComparison.Ordinal))
            {
                isCode = !isCode;
            }
            else if (isCode && Typed().Match(line) is { Success: true } match && TryRead(source, match.Groups["command"].Value) is { } command)
            {
                yield return command;
            }
        }
    }

    /// <summary>The examples of a help text: lines that begin with pitr and stand further in than the text.</summary>
    public static IEnumerable<DocumentedCommand> OfHelp(string source, string text) =>
        Joined().Replace(text, " ").Split('\n').Select(line => Example().Match(line)).Where(m => m.Success).Select(m => TryRead(source, m.Groups["command"].Value)).OfType<DocumentedCommand>();

    // Null for a shape instead of an example: something is left out, or stands for something.
    static DocumentedCommand? TryRead(string source, string line)
    {
        // Behind two blanks, a comment; behind one of the others, another command or a file.
        var command = Rest().Replace(line, "").Trim();
        return command.Contains('…', StringComparison.Ordinal) || command.Contains("...", StringComparison.Ordinal) || command.Contains('<', StringComparison.Ordinal)
            ? null
            : new DocumentedCommand(source, command);
    }

    public override string ToString() => $"{Source}: {Text}";

    [GeneratedRegex(@"\\\n\s*", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Joined();

    [GeneratedRegex(@"^\s*(?:[$#] )?(?:sudo -u postgres )?(?<command>pitr .*)$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Typed();

    [GeneratedRegex(@"^\s{4,}(?<command>pitr .*)$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Example();

    [GeneratedRegex(@"\s{2,}.*$| #.*$| (?:\||&&|\|\||>|2>|>>) .*$|;.*$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Rest();
}
