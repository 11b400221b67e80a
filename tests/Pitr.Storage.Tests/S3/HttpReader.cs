using System.Globalization;
using System.Text;

namespace Pitr.Storage.Tests.S3;

/// <summary>Reads heads and contents of HTTP/1.1 messages from a connection.</summary>
sealed class HttpReader(Stream stream)
{
    readonly byte[] _buffer = new byte[64 * 1024];
    int _start;
    int _end;

    public Stream Stream => stream;

    /// <summary>The value of a header; <see langword="null"/> without it.</summary>
    public static string? Header(string head, string name) =>
        head.Split("\r\n").FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))?[(name.Length + 1)..].Trim();

    /// <summary>First line and headers, with the empty line; <see langword="null"/> at the end.</summary>
    public async Task<string?> ReadHeadAsync(CancellationToken cancellationToken)
    {
        var head = new StringBuilder();
        while (await ReadLineAsync(cancellationToken) is { } line)
        {
            head.Append(line);
            if (line == "\r\n")
            {
                return head.ToString();
            }
        }

        return null;
    }

    /// <summary>Passes bytes on.</summary>
    public async Task CopyAsync(Stream to, long count, CancellationToken cancellationToken, bool flipBit = false)
    {
        while (count > 0)
        {
            if (!await MoreAsync(cancellationToken))
            {
                throw new EndOfStreamException();
            }

            var part = (int)Math.Min(count, _end - _start);
            if (flipBit)
            {
                _buffer[_start] ^= 1;
                flipBit = false;
            }

            await to.WriteAsync(_buffer.AsMemory(_start, part), cancellationToken);
            _start += part;
            count -= part;
        }
    }

    /// <summary>Passes on content in chunks, up to the end of the last one.</summary>
    public async Task CopyChunksAsync(Stream to, CancellationToken cancellationToken)
    {
        while (true)
        {
            var line = await ReadLineAsync(cancellationToken) ?? throw new EndOfStreamException();
            await to.WriteAsync(Encoding.Latin1.GetBytes(line), cancellationToken);
            var length = int.Parse(line.Split(';')[0].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            await CopyAsync(to, length + 2, cancellationToken);
            if (length == 0)
            {
                return;
            }
        }
    }

    async Task<string?> ReadLineAsync(CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        while (await MoreAsync(cancellationToken))
        {
            var c = (char)_buffer[_start++];
            line.Append(c);
            if (c == '\n')
            {
                return line.ToString();
            }
        }

        return null;
    }

    async Task<bool> MoreAsync(CancellationToken cancellationToken)
    {
        if (_start == _end)
        {
            _start = 0;
            _end = await stream.ReadAsync(_buffer, cancellationToken);
        }

        return _start < _end;
    }
}
