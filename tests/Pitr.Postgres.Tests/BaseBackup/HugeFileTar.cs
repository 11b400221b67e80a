using System.Buffers.Binary;
using System.Text;

namespace Pitr.Postgres.Tests.BaseBackup;

/// <summary>
/// A tar with one huge file and an empty one behind it, as tarCreateHeader() of PostgreSQL 15 src/port/tar.c writes them: sizes of 8 GiB and
/// more in GNU's base-256. The file's data costs nothing to produce, so that reading it takes a moment only.
/// </summary>
sealed class HugeFileTar : OneWayStream
{
    readonly byte[] _head;
    readonly byte[] _tail;
    readonly long _size;
    long _position;

    public HugeFileTar(string name, long size)
        : base(Null)
    {
        _size = size;
        _head = Header(name, size);
        _tail = [.. Header("after", 0), .. new byte[1024]];
    }

    public bool IsAtEnd => _position == _head.Length + _size + _tail.Length;

    public override int Read(Span<byte> buffer)
    {
        int count;
        var inData = _position - _head.Length;
        if (inData < 0)
        {
            count = Copy(_head.AsSpan((int)_position), buffer);
        }
        else if (inData < _size)
        {
            count = (int)Math.Min(buffer.Length, _size - inData);
        }
        else
        {
            count = Copy(_tail.AsSpan((int)(inData - _size)), buffer);
        }

        _position += count;
        return count;
    }

    static int Copy(ReadOnlySpan<byte> source, Span<byte> target)
    {
        var count = Math.Min(source.Length, target.Length);
        source[..count].CopyTo(target);
        return count;
    }

    static byte[] Header(string name, long size)
    {
        var header = new byte[512];
        Put(0, name);
        Put(100, "0000600 ");
        Put(108, "0000000 ");
        Put(116, "0000000 ");
        if (size < 1L << 33)
        {
            Put(124, Octal(size, 11) + " ");
        }
        else
        {
            header[124] = 0x80;
            BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(128), size);
        }

        Put(136, Octal(1_795_252_506, 11) + " ");
        Put(156, "0");
        Put(257, "ustar\0" + "00");
        Put(265, "postgres");
        Put(297, "postgres");
        Put(329, "0000000 ");
        Put(337, "0000000 ");
        header.AsSpan(148, 8).Fill((byte)' ');
        Put(148, Octal(header.Sum(value => value), 6) + " ");
        return header;

        void Put(int offset, string text) => Encoding.ASCII.GetBytes(text, header.AsSpan(offset));
    }

    static string Octal(long value, int digits) => Convert.ToString(value, 8).PadLeft(digits, '0');
}
