using System.Text.Json;

namespace Pitr.Operations.Backup;

/// <summary>Reads the lines of a <see cref="BackupJournal"/> up to the first that is not what was written: what comes behind that may depend on what is missing.</summary>
sealed class JournalReader(Stream source)
{
    // Many times what a record full of tiny pieces, or a cluster of many databases, can have.
    const int MaximumLine = 64 << 20;

    byte[] _buffer = new byte[128 << 10];
    int _from;
    int _to;
    long _taken;

    /// <summary>Where the line that was read last begins in the file.</summary>
    public long LinePosition { get; private set; }

    /// <summary>Its bytes, without its end.</summary>
    public int LineLength { get; private set; }

    /// <summary>The next line; null at the end.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public JournalLine? ReadNext()
    {
        for (var searched = _from; ; )
        {
            var end = _buffer.AsSpan(searched, _to - searched).IndexOf((byte)'\n');
            if (end >= 0)
            {
                var length = searched + end - _from;
                var line = Parse(_buffer.AsSpan(_from, length));
                (LinePosition, LineLength) = (_taken, length);
                _taken += length + 1;
                _from += length + 1;
                return line;
            }

            searched = _to - _from;
            if (searched > MaximumLine)
            {
                return null;
            }

            MakeRoom();
            if (source.Read(_buffer, _to, _buffer.Length - _to) is > 0 and var count)
            {
                _to += count;
                continue;
            }

            return null;
        }
    }

    static JournalLine? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JournalLine.TryParse(line);
        }
        catch (JsonException)
        {
            // Whole, and written by another version.
            return null;
        }
    }

    void MakeRoom()
    {
        var rest = _buffer.AsSpan(_from, _to - _from);
        var target = rest.Length > _buffer.Length / 2 ? new byte[_buffer.Length * 2] : _buffer;
        rest.CopyTo(target);
        (_buffer, _from, _to) = (target, 0, rest.Length);
    }
}
