using System.Text.RegularExpressions;

namespace Pitr.Operations.Configuration;

/// <summary>Reads the notation of secrets: <c>${VARIABLE}</c>, <c>file:/path</c>, else the secret itself. No message repeats the text.</summary>
static partial class SecretReference
{
    const string FilePrefix = "file:";

    /// <summary>Whether the text is a reference rather than a secret.</summary>
    public static bool IsReference(string text) => Variable().IsMatch(text) || text.StartsWith(FilePrefix + "/", StringComparison.Ordinal);

    /// <param name="reading">Takes problems and the fact that a literal was found.</param>
    /// <param name="title">The key as messages name it.</param>
    /// <param name="value">The text; not empty.</param>
    /// <param name="isPublic">Whether the text, if it is no reference, may be read by everybody.</param>
    /// <returns>Null if the notation is wrong, which has been reported.</returns>
    public static SecretValue? Parse(ConfigurationReading reading, string title, ScalarValue value, bool isPublic = false)
    {
        if (Variable().Match(value.Text) is { Success: true } match)
        {
            var name = match.Groups["name"].Value;
            reading.Reference(name);
            return SecretValue.FromEnvironment(name, reading.Environment, Problem);
        }
        if (value.Text.Contains("${", StringComparison.Ordinal))
        {
            reading.Report(
                value.Where,
                $"{title} holds \"${{\" but is no whole reference",
                "write ${VARIABLE} and nothing else (letters, digits and _), or keep a secret with these characters in a file: file:/path");
            return null;
        }
        if (!value.Text.StartsWith(FilePrefix, StringComparison.Ordinal))
        {
            if (value.IsFromFile && !isPublic)
            {
                reading.FoundLiteralSecret(value.Where);
            }
            return SecretValue.Literal(value.Text);
        }
        var path = value.Text[FilePrefix.Length..];
        if (path.StartsWith("///", StringComparison.Ordinal))
        {
            path = path[2..];
        }
        if (path.StartsWith('/') && !path.StartsWith("//", StringComparison.Ordinal))
        {
            return SecretValue.FromFile(path, Problem);
        }
        reading.Report(value.Where, $"{title} must refer to its file by an absolute path", "write file:/path/of/the/file");
        return null;

        ConfigurationException Problem(string message, string? hint) => new(value.Where.Problem($"{title}: {message}", hint));
    }

    [GeneratedRegex(@"\A\$\{(?<name>[A-Za-z_][A-Za-z0-9_]*)\}\z", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Variable();
}
