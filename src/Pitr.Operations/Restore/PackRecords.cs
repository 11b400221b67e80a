using Pitr.Format;
using Pitr.Format.Packs;
using Pitr.Format.Sealing;
using Pitr.Storage;

namespace Pitr.Operations.Restore;

/// <summary>What is taken out of one pack, in the order of its records.</summary>
sealed class PackRecords
{
    readonly SpooledRun[] _runs;

    /// <param name="runs">In any order; sorted in place.</param>
    /// <param name="packSize">Bytes of the pack.</param>
    /// <exception cref="DamagedObjectException">A record would lie outside of the pack, or at two places.</exception>
    public PackRecords(SpooledRun[] runs, long packSize)
    {
        _runs = runs;
        Array.Sort(runs, static (a, b) => a.Record != b.Record ? a.Record.CompareTo(b.Record) : a.File != b.File ? a.File.CompareTo(b.File) : a.Offset.CompareTo(b.Offset));
        for (var i = 0; i < runs.Length; i++)
        {
            var run = runs[i];
            if (run.PackOffset < SealedObjectHeader.Size || run.PackOffset + run.StoredLength > packSize)
            {
                throw new DamagedObjectException($"the manifest places record {run.Record} at {run.PackOffset}, {run.StoredLength} bytes, outside the pack's {packSize}");
            }

            ContentBytes += run.Length;
            if (i == 0 || runs[i - 1].Record != run.Record)
            {
                UsedBytes += run.StoredLength;
            }
            else if (runs[i - 1].PackOffset != run.PackOffset || runs[i - 1].StoredLength != run.StoredLength)
            {
                throw new DamagedObjectException($"the manifest places record {run.Record} at {runs[i - 1].PackOffset} and at {run.PackOffset}");
            }
        }
    }

    /// <summary>How many runs there are.</summary>
    public int Count => _runs.Length;

    /// <summary>Bytes in the pack of all records that are needed.</summary>
    public long UsedBytes { get; }

    /// <summary>Bytes of files that are taken out of them.</summary>
    public long ContentBytes { get; }

    /// <summary>A run by its position.</summary>
    public ref readonly SpooledRun this[int run] => ref _runs[run];

    /// <summary>The part of the pack that the next records are in: neighbours with small gaps go together, because a request costs more than the gap.</summary>
    /// <param name="from">Position of a record's first run.</param>
    /// <param name="largestGap">Bytes that may be read in vain between two records.</param>
    /// <param name="largest">Bytes the part may have, unless its first record alone is larger.</param>
    /// <returns>Position after the last run of the part, and where in the pack the part is.</returns>
    public (int End, ByteRange Range) Part(int from, long largestGap, long largest)
    {
        var start = _runs[from].PackOffset;
        var stop = start + _runs[from].StoredLength;
        var end = EndOfRecord(from);
        while (end < _runs.Length && _runs[end] is var next
            && next.PackOffset >= stop && next.PackOffset - stop <= largestGap && next.PackOffset + next.StoredLength - start <= largest)
        {
            stop = next.PackOffset + next.StoredLength;
            end = EndOfRecord(end);
        }

        return (end, new ByteRange(start, stop - start));
    }

    /// <summary>Whether anything of a file is among them.</summary>
    public bool Touches(int file) => Array.Exists(_runs, r => r.File == file);

    /// <summary>Position after the last run of the record that the run belongs to.</summary>
    public int EndOfRecord(int run)
    {
        var end = run + 1;
        while (end < _runs.Length && _runs[end].Record == _runs[run].Record)
        {
            end++;
        }

        return end;
    }

    /// <summary>Opens a record and writes its runs.</summary>
    /// <param name="from">Position of its first run.</param>
    /// <param name="end">Position after its last.</param>
    /// <param name="reader">Opens it.</param>
    /// <param name="stored">Its stored bytes.</param>
    /// <param name="session">Writes them.</param>
    /// <exception cref="DamagedObjectException">It does not authenticate, or is shorter than the manifest says; nothing was written.</exception>
    public void Write(int from, int end, PackReader reader, ReadOnlySpan<byte> stored, IRunWriter session)
    {
        using var content = reader.Decode(_runs[from].Record, stored);
        for (var i = from; i < end; i++)
        {
            if (_runs[i].SliceOffset + _runs[i].Length > content.Span.Length)
            {
                throw new DamagedObjectException(
                    $"the manifest takes {_runs[i].Length} bytes at {_runs[i].SliceOffset} of record {_runs[i].Record}, which has {content.Span.Length}");
            }
        }

        for (var i = from; i < end; i++)
        {
            session.Write(_runs[i], content.Span.Slice(_runs[i].SliceOffset, (int)_runs[i].Length));
        }
    }
}
