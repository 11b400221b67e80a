using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal.Events;

/// <summary>A named restore point (pg_create_restore_point(); xl_restore_point).</summary>
/// <param name="Position">Where its record begins.</param>
/// <param name="Name">1 to 63 bytes; bytes that are no UTF-8 are replaced.</param>
/// <param name="Time">Microseconds since 2000-01-01 UTC.</param>
public sealed record WalRestorePoint(Lsn Position, string Name, long Time) : WalEvent(Position)
{
    internal const byte Info = 0x70;
    const int LongestName = 64;

    internal static WalRestorePoint? Read(in WalRecord record)
    {
        if (!record.TryReadMainData(out var main))
        {
            return null;
        }

        var bytes = new WalBytes(main);
        var time = bytes.Int64();
        var text = bytes.Take(Math.Min(bytes.Length, LongestName));
        var end = text.IndexOf((byte)0);
        return bytes.IsShort ? null : new WalRestorePoint(record.Position, System.Text.Encoding.UTF8.GetString(text[..(end < 0 ? text.Length : end)]), time);
    }
}
