using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Postgres;
using Pitr.Postgres.Recovery;

namespace Pitr.Operations.Archive.Search;

/// <summary>One end of a search: a time, a position or a named restore point; exactly one of the three.</summary>
/// <param name="Time">Microseconds since 2000-01-01 UTC.</param>
/// <param name="Lsn">A position.</param>
/// <param name="RestorePoint">A name.</param>
public sealed record WalMoment(long? Time, Lsn? Lsn, string? RestorePoint)
{
    /// <summary>Reads what people type: <c>16/B374D848</c> is a position, what begins with a date is a time, all else is a restore point's name.</summary>
    /// <exception cref="RefusedInputException">A time without zone, or a name that no restore point can have.</exception>
    public static WalMoment Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        try
        {
            if (Format.Wal.Lsn.TryParse(text, out var lsn))
            {
                return new WalMoment(null, lsn, null);
            }

            const int yearLength = 4;
            return text.Length > yearLength && text[yearLength] == '-' && text.AsSpan(0, yearLength).IndexOfAnyExceptInRange('0', '9') < 0
                ? new WalMoment(PostgresEpoch.ToMicroseconds(RecoveryTarget.ParseTime(text).Time!.Value), null, null)
                : new WalMoment(null, null, RecoveryTarget.AtName(text).Value);
        }
        catch (FormatException e)
        {
            throw new RefusedInputException(
                e.Message, "a moment is a time with its zone ('2026-11-21 03:15:00+09'), a WAL position (16/B374D848) or the name of a restore point", e);
        }
    }

    /// <inheritdoc/>
    public override string ToString() =>
        Time is { } time ? PostgresEpoch.FromMicroseconds(time).UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.ffffff'Z'")
        : Lsn is { } lsn ? lsn.ToString()
        : $"restore point {RestorePoint}";
}
