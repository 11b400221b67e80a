using System.Globalization;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal;

/// <summary>Where WAL stops making sense, and why: recovery would end there.</summary>
/// <param name="Position">Of the record that cannot be read, or the page if it is between two records.</param>
/// <param name="Reason">What is wrong with it, for people.</param>
public sealed record WalDamage(Lsn Position, string Reason)
{
    /// <summary>The damage that ended a walk; null when it ended as a finished segment does.</summary>
    internal static WalDamage? Of(in WalRecordWalker walker, WalSegmentHeader header)
    {
        var position = header.PageAddress + (uint)walker.EndOffset;
        var page = header.PageAddress + (uint)walker.EndPage;
        return walker.End switch
        {
            WalWalkEnd.EndOfSegment or WalWalkEnd.InsideRecord or WalWalkEnd.Switch => null,
            WalWalkEnd.NoRecord => new WalDamage(position, "no record begins here, there are zeros: the segment was not written to its end"),
            WalWalkEnd.BadLength => new WalDamage(position, "no record begins here: its length is impossible"),
            WalWalkEnd.BadPage => new WalDamage(position, $"the page header at {page} is wrong: magic number, flags, address or timeline"),
            WalWalkEnd.BadContinuation => new WalDamage(position, $"the page at {page} does not continue the record before it, or says another length"),
            WalWalkEnd.NotContinued => new WalDamage(position, $"the record goes on at {page}, and the page there does not continue it"),
            WalWalkEnd.BadLink => BadLink(position, walker.Previous, walker.LastRecord),
            WalWalkEnd.BadChecksum => BadChecksum(position),
            WalWalkEnd.CutShort => new WalDamage(position, string.Create(CultureInfo.InvariantCulture, $"the segment is cut short: it has {header.SegmentSize.Bytes} bytes")),
            _ => throw new InvalidOperationException($"end of a walk {walker.End}"),
        };
    }

    internal static WalDamage BadChecksum(Lsn position) => new(position, "the record's checksum is wrong");

    internal static WalDamage BadLink(Lsn position, ulong says, ulong last) => new(
        position,
        last == 0 ? $"the record says that {new Lsn(says)} is before it" : $"the record says that {new Lsn(says)} is before it, and that is {new Lsn(last)}");
}
