using System.Globalization;
using System.Text;

namespace Pitr.Operations.Configuration;

/// <summary>Writes one value so that every YAML reader takes it for exactly that text.</summary>
static class YamlScalarText
{
    static readonly HashSet<string> Reserved = new(
        ["null", "true", "false", "yes", "no", "on", "off", "y", "n"], StringComparer.OrdinalIgnoreCase);

    /// <summary>The value as it is where that is safe, else between double quotes (YAML 1.2 §7.3.1).</summary>
    public static string Quote(string value)
    {
        if (IsPlain(value))
        {
            return value;
        }
        var quoted = new StringBuilder("\"");
        foreach (var character in value)
        {
            quoted.Append(character switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                < ' ' or '\x7f' or '\x85' or '\u2028' or '\u2029' or '\ufeff' => "\\u" + ((int)character).ToString("x4", CultureInfo.InvariantCulture),
                _ => character.ToString(),
            });
        }
        return quoted.Append('"').ToString();
    }

    // Narrow on purpose: a value quoted without need is harmless, the other way round is not.
    static bool IsPlain(string value) =>
        ConfigurationUnits.TryParseDuration(value, out _)
        || ConfigurationUnits.TryParseSize(value, out _)
        || ConfigurationUnits.TryParseRate(value, out _)
        || (value.Length > 0
        && (char.IsAsciiLetter(value[0]) || value[0] == '/')
        && value.All(character => char.IsAsciiLetterOrDigit(character) || character is '/' or '_' or '.' or '-' or '+' or ':')
        && !value.EndsWith(':')
        && !Reserved.Contains(value));
}
