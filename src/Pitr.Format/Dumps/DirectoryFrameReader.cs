using System.Buffers.Binary;
using System.Text;

namespace Pitr.Format.Dumps;

/// <summary>Takes a stream of <see cref="DirectoryFrames"/> as it comes, in blocks of any size, and hands its files on.</summary>
/// <param name="sink">Takes the files.</param>
public sealed class DirectoryFrameReader(IDirectorySink sink)
{
    /// <summary>How many files may be open at once: far more than a dump has jobs.</summary>
    public const int MostOpen = 4096;

    readonly byte[] _header = new byte[DirectoryFrames.LongestBeginning];
    readonly Dictionary<uint, long> _open = [];
    readonly HashSet<string> _names = new(StringComparer.Ordinal);
    int _headerLength;
    bool _begun;
    uint _current;
    int _pieceLeft;
    long _total;

    /// <summary>Whether the end has come.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Takes more.</summary>
    /// <exception cref="DamagedObjectException">It is no such stream.</exception>
    public void Write(ReadOnlySpan<byte> block)
    {
        while (block.Length > 0)
        {
            if (_pieceLeft > 0)
            {
                var piece = block[..Math.Min(_pieceLeft, block.Length)];
                sink.Write(_current, piece);
                _pieceLeft -= piece.Length;
                block = block[piece.Length..];
                continue;
            }

            if (IsComplete)
            {
                throw new DamagedObjectException("something follows the end of the files");
            }

            _header[_headerLength++] = block[0];
            block = block[1..];
            TakeHeader();
        }
    }

    /// <summary>Nothing more comes.</summary>
    /// <exception cref="DamagedObjectException">The end is missing.</exception>
    public void Complete()
    {
        if (!IsComplete)
        {
            throw new DamagedObjectException("the end of the files is missing");
        }
    }

    void TakeHeader()
    {
        if (!_begun)
        {
            if (_headerLength == DirectoryFrames.Magic.Length)
            {
                _begun = _header.AsSpan(0, _headerLength).SequenceEqual(DirectoryFrames.Magic) ? true : throw new DamagedObjectException("it does not hold the files of a directory");
                _headerLength = 0;
            }

            return;
        }

        if (_headerLength == LengthOfHeader())
        {
            _headerLength = 0;
            TakeFrame();
        }
    }

    int LengthOfHeader() => _header[0] switch
    {
        DirectoryFrames.Beginning => _headerLength < 6 ? 6 : Math.Min(6 + _header[5], _header.Length),
        DirectoryFrames.Piece => DirectoryFrames.PieceHeaderLength,
        DirectoryFrames.FileEnd or DirectoryFrames.End => DirectoryFrames.EndLength,
        var other => throw new DamagedObjectException($"a frame of kind {other} is not known"),
    };

    void TakeFrame()
    {
        var number = BinaryPrimitives.ReadUInt32LittleEndian(_header.AsSpan(1));
        switch (_header[0])
        {
            case DirectoryFrames.Beginning:
                Begin(number);
                break;
            case DirectoryFrames.Piece:
                var length = BinaryPrimitives.ReadInt32LittleEndian(_header.AsSpan(5));
                if (length is < 1 or > DirectoryFrames.LongestPiece || !_open.ContainsKey(number))
                {
                    throw new DamagedObjectException($"a piece of {length} bytes of file {number} is in the wrong place");
                }

                _open[number] += length;
                _total += length;
                (_current, _pieceLeft) = (number, length);
                break;
            case DirectoryFrames.FileEnd:
                if (!_open.Remove(number, out var written) || written != BinaryPrimitives.ReadInt64LittleEndian(_header.AsSpan(5)))
                {
                    throw new DamagedObjectException($"the end of file {number} does not fit");
                }

                sink.End(number);
                break;
            default:
                if (_open.Count > 0 || number != _names.Count || _total != BinaryPrimitives.ReadInt64LittleEndian(_header.AsSpan(5)))
                {
                    throw new DamagedObjectException($"it ends with {_names.Count} files, {_open.Count} of them not whole, and says {number}");
                }

                IsComplete = true;
                break;
        }
    }

    void Begin(uint number)
    {
        var name = Encoding.Latin1.GetString(_header.AsSpan(6, Math.Min((int)_header[5], DirectoryFrames.LongestName)));
        if (_header[5] > DirectoryFrames.LongestName || !DirectoryFrames.IsName(name) || number != _names.Count || _open.Count == MostOpen || !_names.Add(name))
        {
            throw new DamagedObjectException($"file {number} has a name, a number or a place that it cannot have");
        }

        _open.Add(number, 0);
        sink.Begin(number, name);
    }
}
