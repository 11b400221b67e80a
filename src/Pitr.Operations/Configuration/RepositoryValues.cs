using System.Globalization;

namespace Pitr.Operations.Configuration;

/// <summary>Kinds of values that only repositories have.</summary>
static class RepositoryValues
{
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
    public static Uri? OptionalHttpUrl(this YamlSection section, string key, string passwordHint)
    {
        if (section.OptionalText(key, "HTTP URL") is not { } value)
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
