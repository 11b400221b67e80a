using System.Buffers.Binary;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal;

/// <summary>
/// How the pages of one whole segment hang together, and what its neighbours must look like. Every page says where it is and how much of a
/// record it continues; the records' lengths say how much that must be (XLogPageHeaderData and XLogRecord of PostgreSQL 15
/// src/include/access/xlog_internal.h and xlogrecord.h, unchanged from 14 to 18). Checksums of records are not looked at.
/// </summary>
/// <param name="HeadRemaining">Bytes of a record of the segment before that the segment goes on with; 0 when it begins with a record.</param>
/// <param name="HeadIsReplaced">The record before was lost in a crash, and something else goes on in its place (XLP_FIRST_IS_OVERWRITE_CONTRECORD).</param>
/// <param name="FirstPrevious">Where the record before the segment's first one begins, as that one says; null when none begins here, or it says nothing.</param>
/// <param name="TailRemaining">Bytes of a record that the next segment must go on with; 0 when it begins with a record.</param>
/// <param name="LastRecord">Where the last record that begins in the segment begins; null when none does.</param>
/// <param name="Break">What does not hang together, with its LSN; null when everything does.</param>
public sealed record WalPageChain(uint HeadRemaining, bool HeadIsReplaced, Lsn? FirstPrevious, uint TailRemaining, Lsn? LastRecord, string? Break)
{
    const int RecordHeaderSize = 24;
    const int Alignment = 8;

    /// <summary>Follows the chain through a segment.</summary>
    /// <param name="segment">The whole segment.</param>
    /// <param name="header">Its header.</param>
    public static WalPageChain Follow(ReadOnlySpan<byte> segment, WalSegmentHeader header)
    {
        var walk = new Walk(segment, header);
        return walk.Run();
    }

    /// <summary>Holds two neighbours against each other.</summary>
    /// <param name="before">The segment before this one.</param>
    /// <returns>What does not fit; null when they fit, or one of them does not hang together in itself.</returns>
    public string? MismatchAfter(WalPageChain before)
    {
        if (before.Break is not null || Break is not null || HeadIsReplaced)
        {
            return null;
        }

        if (HeadRemaining != before.TailRemaining)
        {
            return $"it goes on with {HeadRemaining} bytes of a record, and {before.TailRemaining} are still to come from the segment before";
        }

        return FirstPrevious is { } previous && before.LastRecord is { } last && previous != last
            ? $"its first record follows one at {previous}, and the last of the segment before is at {last}"
            : null;
    }

    ref struct Walk(ReadOnlySpan<byte> segment, WalSegmentHeader header)
    {
        readonly ReadOnlySpan<byte> _segment = segment;
        uint _remaining;
        uint _headRemaining;
        bool _headIsReplaced;
        bool _isFollowed;
        bool _expectsReplacement;
        Lsn? _firstPrevious;
        Lsn? _last;

        public WalPageChain Run()
        {
            for (var page = 0; page < _segment.Length; page += header.BlockSize)
            {
                var problem = EnterPage(page, out var position);
                if (problem is null && position < page + header.BlockSize)
                {
                    problem = StepThrough(page, position, out var isEnd);
                    if (problem is null && isEnd)
                    {
                        return Result(null, tail: 0);
                    }
                }

                if (problem is not null)
                {
                    return Result(problem, 0);
                }
            }

            return Result(null, _remaining);
        }

        readonly WalPageChain Result(string? problem, uint tail) => new(_headRemaining, _headIsReplaced, _firstPrevious, tail, _last, problem);

        // The page's header, and what it continues. Position: the first byte of the first record that begins on it.
        string? EnterPage(int offset, out int position)
        {
            position = offset;
            var page = _segment[offset..];
            var flags = WalPage.Flags(page);
            if (WalPage.Magic(page) != WalPage.Magic(_segment) || !WalPage.AreValidFlags(flags) || WalPage.Address(page) != At(offset).Value)
            {
                return $"at {At(offset)} there is no page of WAL";
            }

            var continues = (flags & WalPage.FirstIsContinuation) != 0 ? WalPage.RemainingLength(page) : 0;
            var isReplaced = (flags & WalPage.FirstOverwritesContinuation) != 0;
            if (offset == 0)
            {
                (_headRemaining, _headIsReplaced) = (continues, isReplaced);
                _remaining = continues;
            }
            else if (isReplaced)
            {
                _remaining = 0;
                _expectsReplacement = true;
            }
            else if (continues != _remaining)
            {
                return $"the page at {At(offset)} goes on with {continues} bytes of a record of which {_remaining} are still to come";
            }

            position = offset + WalPage.HeaderSize(flags);
            var room = (uint)(offset + header.BlockSize - position);
            if (_remaining >= room)
            {
                // The record fills the page; it may end with it.
                _remaining -= room;
                position = offset + header.BlockSize;
            }
            else
            {
                position = Align(position + (int)_remaining);
                _remaining = 0;
            }

            return null;
        }

        string? StepThrough(int page, int position, out bool isEnd)
        {
            isEnd = false;
            var end = page + header.BlockSize;
            while (position < end)
            {
                var length = BinaryPrimitives.ReadUInt32LittleEndian(_segment[position..]);
                if (length == 0)
                {
                    isEnd = true;
                    return _segment[position..].IndexOfAnyExcept((byte)0) < 0 && EndedBySwitch() ? null : $"at {At(position)} there is no record, and WAL follows";
                }

                if (length < RecordHeaderSize)
                {
                    return $"the record at {At(position)} has a length of {length} bytes";
                }

                Remember(position, end);
                if (length > (uint)(end - position))
                {
                    _remaining = length - (uint)(end - position);
                    return null;
                }

                position = Align(position + (int)length);
            }

            return null;
        }

        // A completed segment ends early only behind a switch (RM_XLOG_ID with XLOG_SWITCH of src/include/catalog/pg_control.h), and is then zero.
        readonly bool EndedBySwitch()
        {
            if (_last is not { } last || last < header.PageAddress)
            {
                return true;
            }

            var offset = (int)(last.Value - header.PageAddress.Value);
            var rest = header.BlockSize - (offset % header.BlockSize);
            return rest < RecordHeaderSize || (_segment[offset + 17] == 0 && (_segment[offset + 16] & 0xF0) == 0x40);
        }

        void Remember(int position, int end)
        {
            // The link to the record before lies in bytes 8 to 15; behind a lost record it leads nowhere.
            if (!_isFollowed && !_expectsReplacement && !_headIsReplaced && end - position >= 16)
            {
                _firstPrevious = new Lsn(BinaryPrimitives.ReadUInt64LittleEndian(_segment[(position + 8)..]));
            }

            _isFollowed = true;
            _last = At(position);
        }

        readonly Lsn At(int offset) => header.PageAddress + (ulong)offset;

        static int Align(int position) => (position + Alignment - 1) & ~(Alignment - 1);
    }
}
