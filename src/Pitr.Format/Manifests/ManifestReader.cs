using System.Buffers;
using System.Text.Json;

namespace Pitr.Format.Manifests;

/// <summary>
/// Reads a manifest line by line and checks it: paths, runs that add up to their file's size, pack references, and the end line with its counts.
/// A manifest has been read whole only when <see cref="ReadNext"/> has returned null.
/// </summary>
public sealed class ManifestReader : IDisposable
{
    const int InitialSize = 128 << 10;
    const int MaximumLine = 256 << 20;

    readonly Stream _source;
    readonly bool _leaveOpen;
    readonly ManifestRules _rules = new();
    byte[]? _buffer = ArrayPool<byte>.Shared.Rent(InitialSize);
    int _from;
    int _to;
    long _lineNumber;
    long _taken;
    bool _ended;

    /// <summary>Reads the header line at once.</summary>
    /// <exception cref="DamagedObjectException">No header.</exception>
    /// <exception cref="UnsupportedFormatException">Written in a newer format.</exception>
    public ManifestReader(Stream source, bool leaveOpen = false)
    {
        ArgumentNullException.ThrowIfNull(source);
        _source = source;
        _leaveOpen = leaveOpen;
        Header = ReadLine(static line =>
        {
            if (!string.Equals(line.Type, "header", StringComparison.Ordinal))
            {
                throw new JsonException("expected the header");
            }

            var format = line.Format();
            return format > ManifestHeader.CurrentFormat
                ? throw new UnsupportedFormatException(
                    $"manifest has format {format}, this program supports up to {ManifestHeader.CurrentFormat}: use a newer pitr")
                : line.ToHeader();
        });
    }

    public ManifestHeader Header { get; }

    /// <summary>Where the line that was read last begins, in bytes from the beginning of the manifest.</summary>
    public long LinePosition { get; private set; }

    /// <summary>Its length in bytes, without its end.</summary>
    public int LineLength { get; private set; }

    /// <returns>The next <see cref="ManifestEntry"/> or <see cref="ManifestPack"/>; null when the manifest ended as it should.</returns>
    /// <exception cref="DamagedObjectException">A line is malformed, a path not allowed, a sum or count wrong, or the end is missing.</exception>
    /// <exception cref="UnsupportedFormatException">A line has an unknown type.</exception>
    public object? ReadNext()
    {
        ObjectDisposedException.ThrowIf(_buffer is null, this);
        if (_ended)
        {
            return null;
        }

        var item = ReadLine(Interpret);
        if (item is not null)
        {
            return item;
        }

        if (TryTakeLine(out _))
        {
            throw Damaged("something follows the end line");
        }

        _ended = true;
        return null;
    }

    /// <summary>All that <see cref="ReadNext"/> returns.</summary>
    public IEnumerable<object> ReadAll()
    {
        while (ReadNext() is { } item)
        {
            yield return item;
        }
    }

    public void Dispose()
    {
        if (_buffer is { } buffer)
        {
            _buffer = null;
            ArrayPool<byte>.Shared.Return(buffer);
            if (!_leaveOpen)
            {
                _source.Dispose();
            }
        }
    }

    // Null for the end line.
    object? Interpret(ManifestLine line)
    {
        switch (line.Type)
        {
            case "pack":
                var pack = line.ToPack();
                Require(_rules.Add(pack));
                return pack;
            case "file":
                return Checked(line.ToEntry(ManifestEntryKind.File));
            case "directory":
                return Checked(line.ToEntry(ManifestEntryKind.Directory));
            case "link":
                return Checked(line.ToEntry(ManifestEntryKind.Link));
            case "hard-link":
                return Checked(line.ToEntry(ManifestEntryKind.HardLink));
            case "special":
                return Checked(line.ToEntry(ManifestEntryKind.Special));
            case "end":
                var (packs, entries) = line.ToEnd();
                if (packs != _rules.Packs || entries != _rules.Entries)
                {
                    throw Damaged($"it has {_rules.Packs} packs and {_rules.Entries} entries, its end line says {packs} and {entries}");
                }

                Require(_rules.Complete());
                return null;
            case null or "header":
                throw new JsonException("expected a pack, an entry or the end");
            default:
                throw new UnsupportedFormatException($"manifest has a line of type \"{ManifestPath.Printable(line.Type)}\", unknown to this program: use a newer pitr");
        }
    }

    ManifestEntry Checked(ManifestEntry entry)
    {
        ManifestPath.Validate(entry.Path);
        Require(_rules.Add(entry));
        return entry;
    }

    void Require(string? problem)
    {
        if (problem is not null)
        {
            throw Damaged(problem);
        }
    }

    T ReadLine<T>(Func<ManifestLine, T> interpret)
    {
        if (!TryTakeLine(out var range))
        {
            throw Damaged("it ends without its end line");
        }

        try
        {
            return interpret(ManifestLine.Parse(_buffer.AsSpan(range)));
        }
        catch (JsonException e)
        {
            throw new DamagedObjectException($"manifest is damaged in line {_lineNumber}: {e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            // Strings that are not UTF-8 or hold half a surrogate pair are found only when they are read.
            throw new DamagedObjectException($"manifest is damaged in line {_lineNumber}: {e.Message}", e);
        }
    }

    DamagedObjectException Damaged(string what) => new($"manifest is damaged in line {_lineNumber}: {what}");

    bool TryTakeLine(out Range range)
    {
        var searched = _from;
        while (true)
        {
            var newline = _buffer.AsSpan(searched, _to - searched).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                _lineNumber++;
                range = _from..(searched + newline);
                (LinePosition, LineLength) = (_taken, searched + newline - _from);
                _taken += LineLength + 1;
                _from = searched + newline + 1;
                return true;
            }

            var length = _to - _from;
            MakeRoom();
            searched = length;
            var count = _source.Read(_buffer!, _to, _buffer!.Length - _to);
            if (count > 0)
            {
                _to += count;
                continue;
            }

            range = default;
            return length == 0 ? false : throw Damaged("its last line is cut short");
        }
    }

    void MakeRoom()
    {
        var length = _to - _from;
        if (length >= MaximumLine)
        {
            throw Damaged($"a line is longer than {MaximumLine} bytes");
        }

        var target = _buffer!;
        if (length > target.Length / 2)
        {
            target = ArrayPool<byte>.Shared.Rent(target.Length * 2);
        }

        _buffer.AsSpan(_from, length).CopyTo(target);
        if (!ReferenceEquals(target, _buffer))
        {
            ArrayPool<byte>.Shared.Return(_buffer!);
            _buffer = target;
        }

        _from = 0;
        _to = length;
    }
}
