using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Pitr.Operations.Configuration;

/// <summary>
/// A configuration as keys and values with secrets already masked, and the two ways of writing it. A value is a text, a number, a
/// list of texts, a <see cref="SecretValue"/>, a further tree, or null for what is not set.
/// </summary>
sealed class ConfigurationTree
{
    readonly List<KeyValuePair<string, object?>> _entries = [];

    public ConfigurationTree Add(string key, object? value)
    {
        _entries.Add(KeyValuePair.Create(key, value));
        return this;
    }

    public ConfigurationTree Add(string key, TimeSpan value) => Add(key, ConfigurationUnits.Format(value));

    public void WriteYaml(StringBuilder text, int indent = 0)
    {
        foreach (var (key, value) in _entries)
        {
            text.Append(' ', indent);
            switch (value)
            {
                case null:
                    // "key:" alone would be an error when read again.
                    text.Append("# ").Append(key).Append(": not set\n");
                    break;
                case ConfigurationTree { _entries.Count: 0 }:
                    text.Append(key).Append(": {}\n");
                    break;
                case ConfigurationTree tree:
                    text.Append(key).Append(":\n");
                    tree.WriteYaml(text, indent + 2);
                    break;
                case SecretValue secret:
                    text.Append(key).Append(": \"").Append(SecretValue.Mask).Append("\"  # ")
                        .Append(secret.IsLiteral ? "written in the configuration" : "from " + secret.Source).Append('\n');
                    break;
                case IReadOnlyList<string> list:
                    text.Append(key).Append(": [").AppendJoin(", ", list.Select(YamlScalarText.Quote)).Append("]\n");
                    break;
                default:
                    text.Append(key).Append(": ").Append(Scalar(value)).Append('\n');
                    break;
            }
        }
    }

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        foreach (var (key, value) in _entries)
        {
            json.WritePropertyName(key);
            switch (value)
            {
                case null:
                    json.WriteNullValue();
                    break;
                case ConfigurationTree tree:
                    tree.WriteJson(json);
                    break;
                case IReadOnlyList<string> list:
                    json.WriteStartArray();
                    foreach (var item in list)
                    {
                        json.WriteStringValue(item);
                    }
                    json.WriteEndArray();
                    break;
                case int number:
                    json.WriteNumberValue(number);
                    break;
                default:
                    json.WriteStringValue(value.ToString());
                    break;
            }
        }
        json.WriteEndObject();
    }

    static string Scalar(object value) => value is int number ? number.ToString(CultureInfo.InvariantCulture) : YamlScalarText.Quote(value.ToString()!);
}
