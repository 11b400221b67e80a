using System.Globalization;

namespace Pitr.Operations.Configuration;

/// <summary>Getters for single values that have to be of a kind. What is wrong is reported, and the default answered.</summary>
static class YamlValues
{
    const string Yes = "true";
    const string No = "false";
    const string DurationType = "duration";

    /// <summary>One of a few words.</summary>
    public static string Choice(this YamlSection section, string key, string defaultWord, IReadOnlyList<string> words, string? defaultText = null)
    {
        if (section.OptionalText(key, "one of " + string.Join(", ", words), defaultText ?? defaultWord) is not { } value)
        {
            return defaultWord;
        }
        if (words.Contains(value.Text))
        {
            return value.Text;
        }
        section.Report(value.Where, $"{section.Of(key)} can not be \"{value.Text}\"", NearestName.Hint(value.Text, words, "possible values"));
        return defaultWord;
    }

    /// <summary>A whole number.</summary>
    public static int Integer(this YamlSection section, string key, int defaultValue, int minimum, int maximum, string? defaultText = null)
    {
        var shown = defaultText ?? defaultValue.ToString(CultureInfo.InvariantCulture);
        if (section.OptionalText(key, $"integer {minimum} to {maximum}", shown) is not { } value)
        {
            return defaultValue;
        }
        if (!int.TryParse(value.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            || number < minimum
            || number > maximum)
        {
            section.Report(value.Where, $"{section.Of(key)} can not be \"{value.Text}\"", $"a whole number from {minimum} to {maximum}");
            return defaultValue;
        }
        return number;
    }

    /// <summary>A duration.</summary>
    public static TimeSpan Duration(this YamlSection section, string key, TimeSpan defaultValue, TimeSpan minimum, TimeSpan maximum, string? defaultText = null)
    {
        return section.OptionalText(key, DurationType, defaultText ?? ConfigurationUnits.Format(defaultValue)) is { } value ? Duration(section, key, value, minimum, maximum) ?? defaultValue : defaultValue;
    }

    /// <summary>A duration, or null if there is none.</summary>
    public static TimeSpan? OptionalDuration(this YamlSection section, string key, TimeSpan minimum, TimeSpan maximum) =>
        section.OptionalText(key, DurationType) is { } value ? Duration(section, key, value, minimum, maximum) : null;

    static TimeSpan? Duration(YamlSection section, string key, ScalarValue value, TimeSpan minimum, TimeSpan maximum)
    {
        if (!ConfigurationUnits.TryParseDuration(value.Text, out var duration))
        {
            section.Report(value.Where, $"{section.Of(key)} can not be \"{value.Text}\"", ConfigurationUnits.DurationHint);
            return null;
        }
        if (duration < minimum || duration > maximum)
        {
            section.Report(
                value.Where,
                $"{section.Of(key)} can not be {value.Text}",
                $"from {ConfigurationUnits.Format(minimum)} to {ConfigurationUnits.Format(maximum)}");
            return null;
        }
        return duration;
    }

    /// <summary>A size in bytes.</summary>
    public static long Size(this YamlSection section, string key, long defaultValue, long minimum, long maximum)
    {
        if (section.OptionalText(key, "size", ConfigurationUnits.FormatSize(defaultValue)) is not { } value)
        {
            return defaultValue;
        }
        if (!ConfigurationUnits.TryParseSize(value.Text, out var bytes))
        {
            section.Report(value.Where, $"{section.Of(key)} can not be \"{value.Text}\"", ConfigurationUnits.SizeHint);
            return defaultValue;
        }
        if (bytes < minimum || bytes > maximum)
        {
            section.Report(
                value.Where,
                $"{section.Of(key)} can not be {value.Text}",
                $"from {ConfigurationUnits.FormatSize(minimum)} to {ConfigurationUnits.FormatSize(maximum)}");
            return defaultValue;
        }
        return bytes;
    }

    /// <summary>Bytes per second, or null if there is no limit.</summary>
    public static long? OptionalRate(this YamlSection section, string key, long minimum)
    {
        if (section.OptionalText(key, "rate") is not { } value)
        {
            return null;
        }
        if (!ConfigurationUnits.TryParseRate(value.Text, out var rate))
        {
            section.Report(value.Where, $"{section.Of(key)} can not be \"{value.Text}\"", ConfigurationUnits.RateHint);
            return null;
        }
        if (rate < minimum)
        {
            section.Report(value.Where, $"{section.Of(key)} can not be {value.Text}", $"{ConfigurationUnits.FormatRate(minimum)} or more");
            return null;
        }
        return rate;
    }

    /// <summary>true or false; false if it is left out.</summary>
    public static bool Flag(this YamlSection section, string key) => section.Choice(key, No, [No, Yes]) == Yes;

    /// <summary>A whole number, or null if there is none.</summary>
    public static int? OptionalInteger(this YamlSection section, string key, int minimum, int maximum)
    {
        if (section.OptionalText(key, $"integer {minimum} to {maximum}") is not { } value)
        {
            return null;
        }
        if (int.TryParse(value.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= minimum && number <= maximum)
        {
            return number;
        }
        section.Report(value.Where, $"{section.Of(key)} can not be \"{value.Text}\"", $"a whole number from {minimum} to {maximum}");
        return null;
    }

    /// <summary>
    /// The address of an HTTP server, or null if there is none. Not repeated when it is refused: a password may be in it.
    /// </summary>
    public static Uri? OptionalHttpUrl(this YamlSection section, string key, string passwordHint, string? defaultText = null)
    {
        if (section.OptionalText(key, "HTTP URL", defaultText) is not { } value)
        {
            return null;
        }
        if (value.Text.Contains('@', StringComparison.Ordinal))
        {
            section.Report(value.Where, $"{section.Of(key)} holds a user or password", passwordHint);
            return null;
        }
        const string example = "write https://host[:port] or http://host[:port]";
        if (!Uri.TryCreate(value.Text, UriKind.Absolute, out var url) || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps))
        {
            section.Report(value.Where, $"{section.Of(key)} is no HTTP URL", example);
            return null;
        }
        if (url.Query.Length > 0 || url.Fragment.Length > 0)
        {
            section.Report(value.Where, $"{section.Of(key)} holds ? or #", example);
            return null;
        }
        return url;
    }
}
