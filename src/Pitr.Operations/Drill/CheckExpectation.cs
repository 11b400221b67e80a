using System.Globalization;

namespace Pitr.Operations.Drill;

/// <summary>
/// What a SQL check of a drill expects of its result, as the configuration writes it (<c>services.*.drill.checks.*.expect</c>):
/// <c>TEXT</c> or <c>= TEXT</c>, <c>!= TEXT</c>, <c>&gt;= NUMBER</c> (also <c>&gt; &lt;= &lt;</c>), <c>is null</c>, <c>is not null</c>, or the same of the
/// number of rows: <c>rows = 0</c>.
/// </summary>
public sealed record CheckExpectation
{
    /// <summary>What may be written, for messages.</summary>
    public const string Forms = "a text; = or != and a text; >=, >, <=, < and a number; is null; is not null; rows = 0 (or another comparison with a number)";

    const string RowsWord = "rows";
    const string Null = "is null";
    const string NotNull = "is not null";

    // Longest first: ">=" is not ">" and "=5".
    static readonly string[] Operators = [">=", "<=", "!=", ">", "<", "="];

    readonly string _operator;
    readonly string _value;

    CheckExpectation(string text, bool ofRows, string comparison, string value)
    {
        Text = text;
        IsOfRows = ofRows;
        _operator = comparison;
        _value = value;
    }

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>Whether the number of rows is compared, and not what stands in them.</summary>
    public bool IsOfRows { get; }

    /// <summary>Reads an expectation.</summary>
    /// <exception cref="FormatException">Empty, or something that has to be a number is none.</exception>
    public static CheckExpectation Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var written = text.Trim();
        if (written.Length == 0)
        {
            throw new FormatException("it is empty");
        }

        if (string.Equals(written, Null, StringComparison.OrdinalIgnoreCase) || string.Equals(written, NotNull, StringComparison.OrdinalIgnoreCase))
        {
            return new CheckExpectation(written, ofRows: false, written.ToLowerInvariant(), "");
        }

        var ofRows = written.StartsWith(RowsWord, StringComparison.Ordinal) && Operator(written[RowsWord.Length..].TrimStart()) is not null;
        var comparison = ofRows ? written[RowsWord.Length..].TrimStart() : written;
        if (Operator(comparison) is not { } found)
        {
            return new CheckExpectation(written, ofRows: false, "=", written);
        }

        var value = comparison[found.Length..].Trim();
        return (ofRows || found is not ("=" or "!=")) && Number(value) is null
            ? throw new FormatException($"\"{value}\" behind {found} is no number")
            : new CheckExpectation(written, ofRows, found, value);
    }

    /// <summary>Holds it against the number of rows.</summary>
    public bool Matches(long rows) => Compare(rows);

    /// <summary>Holds it against a value.</summary>
    /// <param name="result">As PostgreSQL writes it, <c>true</c> and <c>false</c> for booleans; null for NULL, which nothing but <c>is null</c> matches.</param>
    /// <exception cref="FormatException">A number is expected, and this is none.</exception>
    public bool Matches(string? result) => _operator switch
    {
        Null => result is null,
        NotNull => result is not null,
        _ when result is null => false,
        "=" => string.Equals(result, _value, StringComparison.Ordinal),
        "!=" => !string.Equals(result, _value, StringComparison.Ordinal),
        _ => Compare(Number(result) ?? throw new FormatException($"\"{result}\" is no number, and {Text} is expected; compare it in the query and expect true")),
    };

    bool Compare(decimal number)
    {
        var expected = Number(_value)!.Value;
        return _operator switch
        {
            "=" => number == expected,
            "!=" => number != expected,
            ">=" => number >= expected,
            ">" => number > expected,
            "<=" => number <= expected,
            _ => number < expected,
        };
    }

    static string? Operator(string text) => Array.Find(Operators, word => text.StartsWith(word, StringComparison.Ordinal));

    static decimal? Number(string text) => decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <inheritdoc/>
    public override string ToString() => Text;
}
