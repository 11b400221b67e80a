namespace Pitr.Operations.Configuration;

/// <summary>The <c>retention</c> section of a service: which backups an expiry keeps. A backup goes only if no rule keeps it.</summary>
/// <param name="Window">Every moment of the last so long stays recoverable. Default 7 days.</param>
/// <param name="Daily">Keep the newest backup of each of so many calendar days. Default 7.</param>
/// <param name="Weekly">Same for weeks. Default 4.</param>
/// <param name="Monthly">Same for months. Default 12.</param>
/// <param name="Yearly">Same for years. Default 0.</param>
/// <param name="Minimum">So many backups are kept whatever the other rules say; at least 1. Default 2.</param>
public sealed record RetentionSettings(TimeSpan Window, int Daily, int Weekly, int Monthly, int Yearly, int Minimum)
{
    /// <summary>Where days, weeks, months and years begin. Default UTC.</summary>
    public TimeZoneInfo TimeZone { get; init; } = TimeZoneInfo.Utc;

    /// <summary>What applies when the configuration says nothing.</summary>
    public static RetentionSettings Default { get; } = new(TimeSpan.FromDays(7), 7, 4, 12, 0, 2);
}
