using System.Text;
using Pitr.Format.Manifests;

namespace Pitr.Operations.Restore;

/// <summary>
/// The files of a backup in flat arrays: a million of them take some 70 MB. Filled by one thread; afterwards rows may be changed by several, as
/// <see cref="RestoreWriter"/> does.
/// </summary>
sealed class FileTable
{
    const int RowsLog2 = 14;
    const int NamesLog2 = 20;

    readonly List<FileRow[]> _rows = [];
    readonly List<byte[]> _names = [];
    int _namesUsed = 1 << NamesLog2;

    /// <summary>How many files there are; they are numbered from 0.</summary>
    public int Count { get; private set; }

    /// <summary>A file by its number.</summary>
    public ref FileRow this[int file] => ref _rows[file >> RowsLog2][file & ((1 << RowsLog2) - 1)];

    /// <summary>Adds a file.</summary>
    /// <param name="directory">Number of its directory.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="entry">What the manifest says of it.</param>
    /// <returns>Its number.</returns>
    public int Add(int directory, ReadOnlySpan<char> name, ManifestEntry entry)
    {
        if (Count >> RowsLog2 == _rows.Count)
        {
            _rows.Add(new FileRow[1 << RowsLog2]);
        }

        var file = Count++;
        ref var row = ref this[file];
        row.Directory = directory;
        row.NameLength = Encoding.UTF8.GetByteCount(name);
        row.Name = ReserveName(row.NameLength);
        Encoding.UTF8.GetBytes(name, NameBytes(row));
        row.Size = entry.Size;
        row.Mode = (short)(entry.Mode & 0x1FF);
        row.Modified = entry.Modified.UtcTicks;
        return file;
    }

    /// <summary>The name of a file in its directory.</summary>
    public string NameOf(int file) => Encoding.UTF8.GetString(NameBytes(this[file]));

    Span<byte> NameBytes(in FileRow row) =>
        _names[(int)(row.Name >> NamesLog2)].AsSpan((int)(row.Name & ((1 << NamesLog2) - 1)), row.NameLength);

    long ReserveName(int length)
    {
        if (_namesUsed + length > 1 << NamesLog2)
        {
            _names.Add(new byte[1 << NamesLog2]);
            _namesUsed = 0;
        }

        _namesUsed += length;
        return ((long)(_names.Count - 1) << NamesLog2) + _namesUsed - length;
    }
}
