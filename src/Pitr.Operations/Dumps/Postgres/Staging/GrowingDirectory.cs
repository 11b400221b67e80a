using Pitr.Format.Dumps;
using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Postgres.Staging;

/// <summary>
/// The files of a directory that another program fills, made into one stream while they grow: pieces of all of them in turn, each file removed when it is whole and was read. So there is
/// never more in the directory than the reader is behind. For one thread at a time.
/// </summary>
sealed class GrowingDirectory : IDisposable
{
    // What a small file takes besides its content.
    const long SpaceOfFile = 4096;

    // A shorter piece waits for the next block, unless it is all there is.
    const int ShortestPiece = 4096;

    readonly string _path;
    readonly DirectoryWatch _watch;
    readonly List<GrowingFile> _files = [];
    readonly Dictionary<string, GrowingFile> _byName = new(StringComparer.Ordinal);
    uint _begun;
    long _bytes;
    bool _hasMagic;
    int _turn;

    /// <param name="path">Existing, empty directory.</param>
    /// <exception cref="IOException">It cannot be watched.</exception>
    public GrowingDirectory(string path)
    {
        _path = path;
        _watch = new DirectoryWatch(path);
    }

    /// <summary>Bytes that lie in the directory and were not read yet.</summary>
    public long Waiting { get; private set; }

    /// <summary>Looks what has come.</summary>
    /// <param name="isOver">Whether nobody writes any more.</param>
    /// <exception cref="IOException">The directory cannot be read.</exception>
    public void Look(bool isOver)
    {
        var isComplete = _watch.Take(Add, name => Find(name)?.Close());
        if (!isComplete || isOver)
        {
            // In the order in which they were made, as far as their names tell: pg_dump numbers them.
            foreach (var path in Directory.EnumerateFiles(_path).Order(StringComparer.Ordinal))
            {
                Add(Path.GetFileName(path));
            }
        }

        Waiting = 0;
        foreach (var file in _files)
        {
            if (isOver)
            {
                file.Close();
            }

            file.Look();
            Waiting += file.Waiting + SpaceOfFile;
        }
    }

    /// <summary>Writes what waits into the stream.</summary>
    /// <param name="to">A block of at least a few KiB.</param>
    /// <returns>How many bytes were written; 0 when nothing waits.</returns>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public int Fill(Span<byte> to)
    {
        var written = 0;
        if (!_hasMagic)
        {
            DirectoryFrames.Magic.CopyTo(to);
            (_hasMagic, written) = (true, DirectoryFrames.Magic.Length);
        }

        // Not always the same first: one large table would keep all others waiting.
        var first = _files.Count == 0 ? 0 : _turn++ % _files.Count;
        for (var i = 0; i < _files.Count && to.Length - written >= ShortestPiece; i++)
        {
            written += Fill(_files[(first + i) % _files.Count], to[written..]);
        }

        foreach (var file in _files.Where(file => file.IsEnded))
        {
            _byName.Remove(file.Name);
            file.Remove();
        }

        _files.RemoveAll(file => file.IsEnded);
        return written;
    }

    /// <summary>Writes the end of the stream.</summary>
    /// <param name="to">At least <see cref="DirectoryFrames.EndLength"/> bytes.</param>
    /// <returns>Its length.</returns>
    /// <exception cref="InvalidOperationException">Something waits yet.</exception>
    public int End(Span<byte> to)
    {
        if (_files.Count > 0)
        {
            throw new InvalidOperationException("there are files that were not read");
        }

        DirectoryFrames.WriteEnd(to, _begun, _bytes);
        return DirectoryFrames.EndLength;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _files.ForEach(file => file.Dispose());
        _watch.Dispose();
    }

    int Fill(GrowingFile file, Span<byte> to)
    {
        var written = 0;
        if (file.Number is not { } number)
        {
            file.Number = number = _begun++;
            written = DirectoryFrames.WriteBeginning(to, number, file.Name);
        }

        var room = Math.Min(to.Length - written - DirectoryFrames.PieceHeaderLength, DirectoryFrames.LongestPiece);
        if (file.Waiting > 0 && room >= Math.Min(file.Waiting, ShortestPiece / 2))
        {
            var piece = file.Read(to.Slice(written + DirectoryFrames.PieceHeaderLength, (int)Math.Min(room, file.Waiting)));
            if (piece == 0)
            {
                throw new ServerException($"{file.Name} of the dump has become shorter while it was read");
            }

            DirectoryFrames.WritePieceHeader(to[written..], number, piece);
            written += DirectoryFrames.PieceHeaderLength + piece;
            _bytes += piece;
        }

        if (file.IsFinished && to.Length - written >= DirectoryFrames.EndLength)
        {
            DirectoryFrames.WriteFileEnd(to[written..], number, file.Taken);
            written += DirectoryFrames.EndLength;
            file.IsEnded = true;
        }

        return written;
    }

    GrowingFile? Find(string name) => _byName.GetValueOrDefault(name);

    void Add(string name)
    {
        if (_byName.ContainsKey(name))
        {
            return;
        }

        if (!DirectoryFrames.IsName(name))
        {
            throw new ServerException($"pg_dump has made a file with the name \"{name}\", which no dump has");
        }

        var file = new GrowingFile(Path.Combine(_path, name));
        _files.Add(file);
        _byName.Add(name, file);
    }
}
