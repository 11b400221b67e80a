using System.Buffers;

namespace Pitr.Operations.Backup;

/// <summary>Plain bytes on their way to become one record of a pack: a piece of a large file, or several small files.</summary>
public sealed class RecordDraft
{
    /// <summary>Bytes of a full record. Large enough to compress well, small enough to fetch one page cheaply.</summary>
    public const int Capacity = 256 * 1024;

    readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(Capacity);
    readonly List<(PendingEntry Entry, int Run, long FileOffset, int Offset, int Length)> _slices = [];

    /// <summary>How many bytes are filled.</summary>
    public int Length { get; private set; }

    /// <summary>How many bytes fit yet.</summary>
    public int Free => Capacity - Length;

    /// <summary>The filled bytes.</summary>
    public ReadOnlySpan<byte> Content => _buffer.AsSpan(0, Length);

    /// <summary>What the bytes are: pieces of files, each with where it begins in its file and here.</summary>
    public IEnumerable<(PendingEntry Entry, long FileOffset, int Offset, int Length)> Slices => _slices.Select(s => (s.Entry, s.FileOffset, s.Offset, s.Length));

    /// <summary>Room for the next bytes, to be followed by <see cref="Append"/>.</summary>
    public Memory<byte> Room(int length) => _buffer.AsMemory(Length, length);

    /// <summary>Counts bytes that were read into <see cref="Room"/> as the next run of an entry.</summary>
    public void Append(PendingEntry entry, int length)
    {
        var run = entry.ReserveRun(length, out var fileOffset);
        _slices.Add((entry, run, fileOffset, Length, length));
        Length += length;
    }

    /// <summary>Tells the entries where their bytes went, and gives the buffer back.</summary>
    public void Finish(int pack, Format.Packs.PackRecord record)
    {
        foreach (var (entry, run, _, offset, length) in _slices)
        {
            entry.SetRun(run, new Format.Manifests.ManifestRun(length, pack, record.Index, record.Offset, record.StoredLength, offset));
        }

        ArrayPool<byte>.Shared.Return(_buffer);
    }
}
