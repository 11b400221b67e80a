using Pitr.Operations.Drill;

namespace Pitr.Operations.Configuration;

/// <summary>Reads the <c>drill</c> section of a service.</summary>
static class DrillBinding
{
    const string ByTable = "by-table";
    const string Total = "total";

    static readonly TimeSpan ShortestCheck = TimeSpan.FromSeconds(1);
    static readonly TimeSpan LongestCheck = TimeSpan.FromDays(1);

    public static DrillSettings Bind(YamlSection section)
    {
        var defaults = DrillSettings.Default;
        var settings = new DrillSettings(
            section.Duration("check-timeout", defaults.CheckTimeout, ShortestCheck, LongestCheck),
            section.Choice("row-counts", RowCounts(defaults), [ByTable, Total]) == ByTable,
            [.. section.Entries("checks", "check", isRequired: false).Select(Check).OfType<SqlCheckSettings>()]);
        section.Close();
        return settings;
    }

    /// <summary>The word for what <see cref="DrillSettings.NamesTables"/> says.</summary>
    public static string RowCounts(DrillSettings settings) => settings.NamesTables ? ByTable : Total;

    static SqlCheckSettings? Check(YamlSection section)
    {
        var database = section.OptionalText("database", "name of a database", SqlCheckSettings.DefaultDatabase)?.Text ?? SqlCheckSettings.DefaultDatabase;
        var sql = section.RequiredLines("sql", "SQL query");
        var expect = Expect(section);
        section.Close();
        return sql is { } query && expect is not null ? new SqlCheckSettings(section.Name, database, query.Text.Trim(), expect) : null;
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
