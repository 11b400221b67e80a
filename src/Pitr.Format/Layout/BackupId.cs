using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Pitr.Format.Layout;

/// <summary>Names a backup by its start, in UTC and whole seconds: <c>20261121T031500Z</c>. The ordinal order of the texts is the order in time.</summary>
public readonly record struct BackupId : IComparable<BackupId>
{
    const string Pattern = "yyyyMMdd'T'HHmmss'Z'";

    readonly DateTimeOffset _start;

    /// <param name="start">Cut to whole seconds.</param>
    public BackupId(DateTimeOffset start)
    {
        var utc = start.UtcDateTime;
        _start = new DateTimeOffset(utc.AddTicks(-(utc.Ticks % TimeSpan.TicksPerSecond)));
    }

    /// <summary>UTC, whole seconds.</summary>
    public DateTimeOffset Start => _start;

    public static bool operator <(BackupId left, BackupId right) => left.Start < right.Start;

    public static bool operator >(BackupId left, BackupId right) => left.Start > right.Start;

    public static bool operator <=(BackupId left, BackupId right) => left.Start <= right.Start;

    public static bool operator >=(BackupId left, BackupId right) => left.Start >= right.Start;

    /// <exception cref="FormatException">Not of that form, or no such moment.</exception>
    public static BackupId Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out var id) ? id : throw new FormatException($"not a backup id: \"{text}\"; expected a UTC time such as 20261121T031500Z");

    /// <inheritdoc cref="Parse"/>
    public static bool TryParse([NotNullWhen(true)] string? text, out BackupId id) => TryParse(text.AsSpan(), out id);

    /// <inheritdoc cref="Parse"/>
    public static bool TryParse(ReadOnlySpan<char> text, out BackupId id)
    {
        var valid = DateTimeOffset.TryParseExact(
            text, Pattern, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var start);
        id = valid ? new BackupId(start) : default;
        return valid;
    }

    public int CompareTo(BackupId other) => Start.CompareTo(other.Start);

    public override string ToString() => Start.UtcDateTime.ToString(Pattern, CultureInfo.InvariantCulture);
}
