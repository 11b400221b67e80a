using System.Buffers.Binary;
using Pitr.Format.Wal;

namespace Pitr.Operations.Tests;

/// <summary>Consecutive segments of 1 MiB whose pages and records hang together as PostgreSQL 15 writes them: records go on over pages and segments.</summary>
sealed class WalStreamSample
{
    const int BlockSize = 8192;
    const int SegmentBytes = 1 << 20;

    readonly byte[] _stream;
    readonly ulong _start;
    readonly uint _timeline;
    readonly ulong _systemIdentifier;
    int _position;
    ulong _previous;

    /// <param name="first">Number of the first segment.</param>
    /// <param name="count">How many.</param>
    /// <param name="seed">Other records for another seed.</param>
    /// <param name="timeline">The timeline.</param>
    /// <param name="systemIdentifier">The cluster's.</param>
    /// <param name="commitAt">A commit at this time in each segment, one second later in each; null for none.</param>
    /// <param name="switchAfter">A switch record ends this segment, counted from 0; -1 for none.</param>
    /// <param name="previous">Where the last record before the stream begins; somewhere in the segment before if not said.</param>
    public WalStreamSample(
        ulong first, int count, int seed = 1, uint timeline = 1, ulong systemIdentifier = WalSample.SystemIdentifier, DateTimeOffset? commitAt = null, int switchAfter = -1, Lsn? previous = null)
    {
        (First, Count, _timeline, _systemIdentifier) = (first, count, timeline, systemIdentifier);
        _start = first * SegmentBytes;
        _stream = new byte[count * SegmentBytes];
        _previous = previous?.Value ?? (_start > 0 ? _start - 1000 : 0);
        var random = new Random(seed);
        var committed = -1;
        while (_position < _stream.Length)
        {
            if (commitAt is { } at && _position / SegmentBytes > committed && _position % SegmentBytes < SegmentBytes / 2)
            {
                committed = _position / SegmentBytes;
                Append(WalSample.CommitRecord(at.AddSeconds(committed), (uint)(1000 + committed), _previous));
            }
            else if (_position / SegmentBytes == switchAfter && _position % SegmentBytes > SegmentBytes / 2)
            {
                Append(Record(random, 24, resourceManager: 0, info: 0x40));
                LastSwitch = new Lsn(_previous);
                _position = ((_position / SegmentBytes) + 1) * SegmentBytes;
            }
            else
            {
                // Some fill pages, few fill a whole segment.
                var length = random.Next(100) switch { 0 => random.Next(24, 1_500_000), < 10 => random.Next(24, 50_000), _ => random.Next(24, 3000) };
                Append(Record(random, length, resourceManager: 10, info: 0));
            }
        }
    }

    public ulong First { get; }

    public int Count { get; }

    /// <summary>Where the switch record begins.</summary>
    public Lsn LastSwitch { get; private set; }

    public string Name(int index) => WalSegmentName.FromNumber(new Timeline(_timeline), First + (ulong)index, WalSample.Small).ToString();

    public byte[] Segment(int index) => _stream.AsSpan(index * SegmentBytes, SegmentBytes).ToArray();

    /// <summary>Pushes all segments.</summary>
    public async Task PushAsync(Scenario scenario)
    {
        for (var i = 0; i < Count; i++)
        {
            await scenario.Push.PushAsync(scenario.Write(Name(i), Segment(i)), default);
        }
    }

    byte[] Record(Random random, int length, byte resourceManager, byte info)
    {
        var record = new byte[length];
        random.NextBytes(record.AsSpan(24));
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)length);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(8), _previous);
        record[16] = info;
        record[17] = resourceManager;
        WalSample.WriteChecksum(record);
        return record;
    }

    void Append(byte[] record)
    {
        if (_position % BlockSize == 0)
        {
            WriteHeader(0);
        }

        _previous = _start + (ulong)_position;
        for (var written = 0; written < record.Length && _position < _stream.Length;)
        {
            if (_position % BlockSize == 0)
            {
                WriteHeader((uint)(record.Length - written));
            }

            var take = Math.Min(record.Length - written, BlockSize - (_position % BlockSize));
            record.AsSpan(written, take).CopyTo(_stream.AsSpan(_position));
            written += take;
            _position += take;
        }

        _position = (_position + 7) & ~7;
    }

    void WriteHeader(uint remaining)
    {
        var isLong = _position % SegmentBytes == 0;
        var page = _stream.AsSpan(_position);
        BinaryPrimitives.WriteUInt16LittleEndian(page, 0xD110);
        BinaryPrimitives.WriteUInt16LittleEndian(page[2..], (ushort)((isLong ? 2 : 0) | (remaining > 0 ? 1 : 0)));
        BinaryPrimitives.WriteUInt32LittleEndian(page[4..], _timeline);
        BinaryPrimitives.WriteUInt64LittleEndian(page[8..], _start + (ulong)_position);
        BinaryPrimitives.WriteUInt32LittleEndian(page[16..], remaining);
        if (isLong)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(page[24..], _systemIdentifier);
            BinaryPrimitives.WriteUInt32LittleEndian(page[32..], SegmentBytes);
            BinaryPrimitives.WriteUInt32LittleEndian(page[36..], BlockSize);
        }

        _position += isLong ? 40 : 24;
    }
}
