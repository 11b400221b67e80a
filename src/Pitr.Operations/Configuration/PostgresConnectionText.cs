using System.Text;
using System.Text.RegularExpressions;
using Npgsql;

namespace Pitr.Operations.Configuration;

/// <summary>
/// Reads how a server is reached in the three notations people have at hand (Npgsql's <c>Host=…;Username=…</c>, libpq's
/// <c>host=… user=…</c> and libpq's URI, PostgreSQL documentation "Connection Strings") into Npgsql's, with the password taken out.
/// No error repeats any of the text, because a password with an unquoted separator spills into keywords.
/// </summary>
static partial class PostgresConnectionText
{
    public const string Notations = "Host=…;Port=…;Username=…;Database=… or host=… user=… or postgresql://user@host/database";

    static readonly string[] Keywords =
    [
        "Host", "Port", "Database", "Username", "Password", "Passfile", "SSL Mode", "SSL Certificate", "SSL Key", "Root Certificate",
        "Application Name", "Timeout", "Command Timeout", "Options", "Keepalive", "Search Path", "Target Session Attributes",
    ];

    // Npgsql's synonyms of Password.
    static readonly HashSet<string> PasswordKeywords = new(["Password", "PWD", "PSW"], StringComparer.OrdinalIgnoreCase);

    // libpq keyword → Npgsql keyword, where both mean the same.
    static readonly Dictionary<string, string> FromLibpq = new(StringComparer.Ordinal)
    {
        ["host"] = "Host",
        ["port"] = "Port",
        ["dbname"] = "Database",
        ["user"] = "Username",
        ["password"] = "Password",
        ["passfile"] = "Passfile",
        ["sslmode"] = "SSL Mode",
        ["sslcert"] = "SSL Certificate",
        ["sslkey"] = "SSL Key",
        ["sslrootcert"] = "Root Certificate",
        ["application_name"] = "Application Name",
        ["connect_timeout"] = "Timeout",
        ["options"] = "Options",
    };

    /// <summary>Takes a connection apart.</summary>
    /// <param name="text">Any of the notations.</param>
    /// <param name="connection">Npgsql connection string without password.</param>
    /// <param name="password">The password's text, which may be a reference, or null.</param>
    /// <param name="problem">What is wrong, without any of the text.</param>
    public static bool TryParse(string text, out string connection, out string? password, out string problem)
    {
        (connection, password, problem) = ("", null, "");
        var builder = new NpgsqlConnectionStringBuilder();
        var pairs = UriNotation().IsMatch(text) ? FromUri(text, ref problem)
            : Libpq().IsMatch(text) ? FromKeywords(text, ref problem)
            : FromNpgsql(text, ref problem);
        foreach (var (keyword, value) in pairs ?? [])
        {
            if (!TrySet(builder, keyword, value, ref problem))
            {
                return false;
            }
        }
        if (pairs is null)
        {
            return false;
        }
        if (builder.Host?.AsSpan().IndexOfAny(" \t='\"") >= 0
            || pairs.Exists(pair => !PasswordKeywords.Contains(pair.Key) && SwallowedPassword().IsMatch(pair.Value)))
        {
            // One slip in libpq's notation makes all of it one value of Npgsql's, and a password in it would be shown as part of that.
            problem = "mixes notations or leaves a quote open";
            return false;
        }
        if (!string.IsNullOrEmpty(builder.SslPassword))
        {
            problem = "holds a password for its key file, which is not kept here: give that key file no password and mode 0600";
            return false;
        }
        password = builder.Password;
        builder.Password = null;
        connection = builder.ConnectionString;
        return true;
    }

    /// <summary>The connection string with the password put back.</summary>
    public static string WithPassword(string connection, SecretValue? password) =>
        password is null ? connection : new NpgsqlConnectionStringBuilder(connection) { Password = password.Reveal() }.ConnectionString;

    static bool TrySet(NpgsqlConnectionStringBuilder builder, string keyword, string value, ref string problem)
    {
        if (!builder.ContainsKey(keyword))
        {
            var nearest = NearestName.Find(keyword, Keywords);
            problem = "holds a keyword that Npgsql does not know" + (nearest is null ? "" : $" (did you mean \"{nearest}\"?)");
            return false;
        }
        try
        {
            // libpq writes verify-full where Npgsql writes VerifyFull.
            builder[keyword] = keyword.Equals("SSL Mode", StringComparison.OrdinalIgnoreCase)
                ? value.Replace("-", "", StringComparison.Ordinal)
                : value;
            return true;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException or InvalidCastException)
        {
            problem = $"holds a value that \"{keyword}\" can not have";
            return false;
        }
    }

    static List<KeyValuePair<string, string>>? FromNpgsql(string text, ref string problem)
    {
        try
        {
            var parsed = new System.Data.Common.DbConnectionStringBuilder { ConnectionString = text };
            return [.. parsed.Keys.Cast<string>().Select(keyword => KeyValuePair.Create(keyword, Convert.ToString(parsed[keyword])!))];
        }
        catch (ArgumentException)
        {
            problem = "is no connection string; a value with ; or quotes in it must itself be quoted";
            return null;
        }
    }

    static List<KeyValuePair<string, string>>? FromKeywords(string text, ref string problem)
    {
        var pairs = new List<KeyValuePair<string, string>>();
        foreach (Match match in LibpqPair().Matches(text))
        {
            var value = match.Groups["value"].Value;
            value = value.StartsWith('\'') ? value[1..^1] : value;
            if (!Add(pairs, match.Groups["key"].Value, LibpqEscape().Replace(value, "$1"), ref problem))
            {
                return null;
            }
        }
        return pairs;
    }

    static List<KeyValuePair<string, string>>? FromUri(string text, ref string problem)
    {
        var match = UriNotation().Match(text);
        var pairs = new List<KeyValuePair<string, string>>();
        foreach (var key in (string[])["user", "password", "host", "port", "dbname"])
        {
            if (match.Groups[key] is { Success: true, Length: > 0 } part
                && !Add(pairs, key, Uri.UnescapeDataString(part.Value.Trim('[', ']')), ref problem))
            {
                return null;
            }
        }
        foreach (var parameter in match.Groups["parameters"].Value.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = parameter.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0 || !Add(pairs, parameter[..equals], Uri.UnescapeDataString(parameter[(equals + 1)..]), ref problem))
            {
                problem = problem.Length > 0 ? problem : "is no connection URI";
                return null;
            }
        }
        return pairs;
    }

    static bool Add(List<KeyValuePair<string, string>> pairs, string libpqKeyword, string value, ref string problem)
    {
        // Npgsql's own words are taken too: a lone Host=/run/postgresql looks the same in both notations.
        if (FromLibpq.TryGetValue(libpqKeyword, out var keyword) || new NpgsqlConnectionStringBuilder().ContainsKey(keyword = libpqKeyword))
        {
            pairs.Add(KeyValuePair.Create(keyword, value));
            return true;
        }
        var nearest = NearestName.Find(libpqKeyword, FromLibpq.Keys);
        problem = "holds a keyword that is not known" + (nearest is null ? "" : $" (did you mean \"{nearest}\"?)");
        return false;
    }

    [GeneratedRegex(@"\b(password|pwd|psw)\s*=", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex SwallowedPassword();

    const string PairPattern = @"(?<key>[A-Za-z_]+)\s*=\s*(?<value>'(\\.|[^'\\])*'|(\\.|[^\s;'\\])+)";

    [GeneratedRegex(@"\A\s*(" + PairPattern + @"(\s+|\z))+\z", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Libpq();

    [GeneratedRegex(PairPattern, RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex LibpqPair();

    [GeneratedRegex(@"\\(.)", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex LibpqEscape();

    [GeneratedRegex(
        @"\Apostgres(ql)?://((?<user>[^:@/?]*)(:(?<password>[^@/?]*))?@)?(?<host>\[[^\]]*\]|[^:/?@]*)(:(?<port>[0-9]+))?(/(?<dbname>[^?]*))?(\?(?<parameters>.*))?\z",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex UriNotation();
}
