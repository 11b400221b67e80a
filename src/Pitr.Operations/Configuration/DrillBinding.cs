using Pitr.Operations.Drill;

namespace Pitr.Operations.Configuration;

/// <summary>Reads the <c>drill</c> section of a service.</summary>
static class DrillBinding
{
    /// <summary>The key of what a check expects.</summary>
    public const string ExpectKey = "expect";

    /// <summary>The type of that key.</summary>
    public const string ExpectType = "expected result";

    const string ByTable = "by-table";
    const string Total = "total";

    static readonly TimeSpan ShortestCheck = TimeSpan.FromSeconds(1);
    static readonly TimeSpan LongestCheck = TimeSpan.FromDays(1);

    /// <param name="section">The section.</param>
    /// <param name="kind">Kind of the service: what language its server speaks.</param>
    public static DrillSettings Bind(YamlSection section, string kind)
    {
        var defaults = DrillSettings.Default;
        var settings = new DrillSettings(
            CheckTimeout(section),
            section.Choice("row-counts", RowCounts(defaults), [ByTable, Total]) == ByTable,
            [.. section.Entries("checks", "check", isRequired: false).Select(entry => Check(entry, kind)).OfType<SqlCheckSettings>()]);
        section.Close();
        return settings;
    }

    /// <summary>How long one check may take.</summary>
    public static TimeSpan CheckTimeout(YamlSection section) => section.Duration("check-timeout", DrillSettings.Default.CheckTimeout, ShortestCheck, LongestCheck);

    /// <summary>The word for what <see cref="DrillSettings.NamesTables"/> says.</summary>
    public static string RowCounts(DrillSettings settings) => settings.NamesTables ? ByTable : Total;

    static SqlCheckSettings? Check(YamlSection section, string kind)
    {
        var (language, type, otherwise) = kind switch
        {
            RedisSettings.KindName => (SqlCheckSettings.CommandLanguage, "command of Redis", "0"),
            MysqlSettings.KindName => (SqlCheckSettings.SqlLanguage, "SQL query", ""),
            _ => (SqlCheckSettings.SqlLanguage, "SQL query", SqlCheckSettings.DefaultDatabase),
        };
        var database = section.OptionalText("database", "name of a database", otherwise.Length > 0 ? otherwise : null)?.Text ?? otherwise;
        var query = section.RequiredLines(language, type);
        var expect = section.RequiredText(ExpectKey, ExpectType) is { } value ? Expect(section, value) : null;
        section.Close();
        return query is { } text && expect is not null ? new SqlCheckSettings(section.Name, database, text.Text.Trim(), expect) { Language = language } : null;
    }

    /// <summary>Reads an expectation.</summary>
    /// <returns>Null if it makes no sense, which has been reported.</returns>
    public static CheckExpectation? Expect(YamlSection section, ScalarValue value)
    {
        try
        {
            return CheckExpectation.Parse(value.Text);
        }
        catch (FormatException e)
        {
            section.Report(value.Where, $"{section.Of(ExpectKey)} can not be \"{value.Text}\": {e.Message}", CheckExpectation.Forms);
            return null;
        }
    }
}
