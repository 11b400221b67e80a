using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Pitr.Postgres;

namespace Pitr.Operations.Files.Journal;

/// <summary>
/// Walks along a stream in the journal's export format (https://systemd.io/JOURNAL_EXPORT_FORMATS), whatever pieces it comes in: lets entries through or leaves them out, and says whether the stream is whole.
/// Of an entry no more is in memory than the piece at hand and its first line.
/// </summary>
/// <param name="take">Told the cursor of each entry, as it begins; whether it is let through.</param>
sealed class JournalFilter(Func<string, bool> take)
{
    const int LongestName = 256;
    const int LongestValue = 1024;
    const int LengthBytes = 8;

    // What is kept of the line at hand: its name, then its value if that is looked at.
    readonly byte[] _held = new byte[LongestValue];
    int _heldLength;
    Field _field;
    State _state;
    ulong _left;
    string? _cursor;
    long? _time;
    bool _isTaken;

    enum State
    {
        Name,
        Cursor,
        Text,
        Length,
        Binary,
        End,
    }

    // Those that are looked at.
    enum Field
    {
        Other,
        Cursor,
        Realtime,
        Machine,
    }

    /// <summary>Entries that were let through and are whole.</summary>
    public long Taken { get; private set; }

    /// <summary>The earliest time of those, in microseconds since 1970; null without any.</summary>
    public long? First { get; private set; }

    /// <summary>The latest.</summary>
    public long? Last { get; private set; }

    /// <summary>The time of the one that came first.</summary>
    public long? Foremost { get; private set; }

    /// <summary>The cursor of the first entry, whole or not; null before there is one.</summary>
    public string? FirstCursor { get; private set; }

    /// <summary>The cursor of the last whole entry, let through or not.</summary>
    public string? LastCursor { get; private set; }

    /// <summary>The machine that the entries are of; null when none says.</summary>
    public string? MachineId { get; private set; }

    /// <summary>A machine that later entries are of, and not the first; null when there is none.</summary>
    public string? OtherMachineId { get; private set; }

    /// <summary>Takes the next piece of the stream.</summary>
    /// <param name="input">Of any length.</param>
    /// <param name="output">Gets what is let through.</param>
    /// <exception cref="ServerException">It is no such stream.</exception>
    public void Write(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        while (!input.IsEmpty)
        {
            var taken = _state switch
            {
                State.Name => ReadName(input, output),
                State.Cursor => ReadCursor(input, output),
                State.Text => ReadText(input, output),
                State.Length => ReadLength(input, output),
                State.Binary => ReadBinary(input, output),
                _ => ReadEnd(input, output),
            };
            input = input[taken..];
        }
    }

    /// <summary>Says that the stream has ended.</summary>
    /// <exception cref="ServerException">It ended within an entry.</exception>
    public void Complete()
    {
        if (_cursor is not null || _heldLength > 0 || _state != State.Name)
        {
            throw Broken("ends within an entry");
        }
    }

    static ServerException Broken(string problem) =>
        new($"what journalctl wrote {problem}; it is not a whole journal in export format", "run journalctl --output=export by hand to see why; journalctl --verify looks for damaged files");

    static Field FieldOf(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("__CURSOR"u8) ? Field.Cursor
        : name.SequenceEqual("__REALTIME_TIMESTAMP"u8) ? Field.Realtime
        : name.SequenceEqual("_MACHINE_ID"u8) ? Field.Machine
        : Field.Other;

    int ReadName(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        var end = input.IndexOfAny((byte)'=', (byte)'\n');
        Hold(input[..(end < 0 ? input.Length : end)], LongestName, "has a field whose name does not end");
        if (end < 0)
        {
            return input.Length;
        }

        var isText = input[end] == '=';
        if (_heldLength == 0 && !isText)
        {
            EndEntry(output);
            return end + 1;
        }

        _field = FieldOf(_held.AsSpan(0, _heldLength));
        if (_cursor is null && !(isText && _field == Field.Cursor))
        {
            throw Broken("has an entry that does not begin with its cursor");
        }

        if (_cursor is null)
        {
            _state = State.Cursor;
        }
        else
        {
            Emit(_held.AsSpan(0, _heldLength), output);
            Emit(input.Slice(end, 1), output);
            _state = isText ? State.Text : State.Length;
        }

        _heldLength = 0;
        return end + 1;
    }

    int ReadCursor(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        var end = input.IndexOf((byte)'\n');
        Hold(input[..(end < 0 ? input.Length : end)], LongestValue, "has a cursor that does not end");
        if (end < 0)
        {
            return input.Length;
        }

        _cursor = Encoding.UTF8.GetString(_held, 0, _heldLength);
        FirstCursor ??= _cursor;
        _isTaken = take(_cursor);
        Emit("__CURSOR="u8, output);
        Emit(_held.AsSpan(0, _heldLength), output);
        Emit("\n"u8, output);
        (_heldLength, _state) = (0, State.Name);
        return end + 1;
    }

    int ReadText(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        var end = input.IndexOf((byte)'\n');
        var value = input[..(end < 0 ? input.Length : end)];
        if (_field is Field.Realtime or Field.Machine)
        {
            Hold(value, LongestValue, "has a time or a machine that does not end");
        }

        if (end < 0)
        {
            Emit(value, output);
            return input.Length;
        }

        Emit(input[..(end + 1)], output);
        TakeNote();
        (_heldLength, _state) = (0, State.Name);
        return end + 1;
    }

    void TakeNote()
    {
        if (_field is not (Field.Realtime or Field.Machine))
        {
            return;
        }

        var value = Encoding.ASCII.GetString(_held, 0, _heldLength);
        if (_field == Field.Machine)
        {
            MachineId ??= value;
            OtherMachineId ??= value == MachineId ? null : value;
            return;
        }

        _time = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var time) && time <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds() * 1000
            ? time
            : throw Broken("has an entry whose time is no number");
    }

    int ReadLength(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        var taken = Math.Min(LengthBytes - _heldLength, input.Length);
        Hold(input[..taken], LengthBytes, "");
        if (_heldLength == LengthBytes)
        {
            _left = BinaryPrimitives.ReadUInt64LittleEndian(_held);
            Emit(_held.AsSpan(0, LengthBytes), output);
            (_heldLength, _state) = (0, _left == 0 ? State.End : State.Binary);
        }

        return taken;
    }

    int ReadBinary(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        var taken = (int)Math.Min(_left, (ulong)input.Length);
        Emit(input[..taken], output);
        _left -= (ulong)taken;
        _state = _left == 0 ? State.End : State.Binary;
        return taken;
    }

    int ReadEnd(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        if (input[0] != '\n')
        {
            throw Broken("has a binary field that is longer than it says");
        }

        Emit(input[..1], output);
        _state = State.Name;
        return 1;
    }

    void EndEntry(IBufferWriter<byte> output)
    {
        if (_cursor is null)
        {
            return;
        }

        var time = _time ?? throw Broken("has an entry without a time");
        LastCursor = _cursor;
        if (_isTaken)
        {
            Emit("\n"u8, output);
            Taken++;
            Foremost ??= time;
            First = Math.Min(First ?? time, time);
            Last = Math.Max(Last ?? time, time);
        }

        (_cursor, _time) = (null, null);
    }

    void Hold(ReadOnlySpan<byte> bytes, int most, string problem)
    {
        if (_heldLength + bytes.Length > most)
        {
            throw Broken(problem);
        }

        bytes.CopyTo(_held.AsSpan(_heldLength));
        _heldLength += bytes.Length;
    }

    void Emit(ReadOnlySpan<byte> bytes, IBufferWriter<byte> output)
    {
        if (_isTaken)
        {
            output.Write(bytes);
        }
    }
}
