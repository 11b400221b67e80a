using Pitr.Operations.Drill;

namespace Pitr.Operations.Configuration;

/// <summary>Reads the <c>drill</c> section of a service.</summary>
static class DrillBinding
{
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
            section.Duration("check-timeout", defaults.CheckTimeout, ShortestCheck, LongestCheck),
            section.Choice("row-counts", RowCounts(defaults), [ByTable, Total]) == ByTable,
            [.. section.Entries("checks", "check", isRequired: false).Select(entry => Check(entry, kind)).OfType<SqlCheckSettings>()]);
        section.Close();
        return settings;
    }

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
        var expect = Expect(section);
        section.Close();
        return query is { } text && expect is not null ? new SqlCheckSettings(section.Name, database, text.Text.Trim(), expect) { Language = language } : null;
    }

    static CheckExpectation? Expect(YamlSection section)
    {
        const string key = "expect";
        if (section.RequiredText(key, "expected result") is not { } value)
        {
            return null;
        }

        try
        {
            return CheckExpectation.Parse(value.Text);
        }
        catch (FormatException e)
        {
            section.Report(value.Where, $"{section.Of(key)} can not be \"{value.Text}\": {e.Message}", CheckExpectation.Forms);
            return null;
        }
    }
}
