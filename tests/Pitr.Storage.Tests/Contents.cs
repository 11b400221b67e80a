using System.Runtime.CompilerServices;

namespace Pitr.Storage.Tests;

/// <summary>Bytes and contents for tests.</summary>
static class Contents
{
    /// <summary>Bytes that only this seed gives, the same in every process.</summary>
    public static byte[] Bytes(int length, int seed = 1)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>A content that is not in memory, as far as the store can see.</summary>
    public static ObjectContent Streamed(byte[] bytes) => new StreamedContent(bytes.Length, () => new MemoryStream(bytes, writable: false));

    /// <summary>A content that gives its first half, then calls back and waits for what that returns.</summary>
    public static ObjectContent PausedHalfway(byte[] bytes, Func<CancellationToken, Task> halfway) =>
        new StreamedContent(bytes.Length, () => new PausingStream(bytes, halfway));

    /// <summary>A content that announces another length than it has.</summary>
    public static ObjectContent Lying(byte[] bytes, long announced) => new StreamedContent(announced, () => new MemoryStream(bytes));

    /// <summary>A content of any length that takes no memory.</summary>
    public static ObjectContent Zeros(long length) => new StreamedContent(length, () => new ZeroStream(length));

    public static async Task<List<ObjectListing>> ToListAsync(
        this IAsyncEnumerable<ObjectListing> listing, CancellationToken cancellationToken = default)
    {
        var all = new List<ObjectListing>();
        await foreach (var item in listing.WithCancellation(cancellationToken))
        {
            all.Add(item);
        }

        return all;
    }

    public static async Task<string[]> KeysAsync(this IObjectStore store, string prefix = "", ListMode mode = ListMode.Recursive) =>
        [.. (await store.ListAsync(prefix, mode, CancellationToken.None).ToListAsync()).Select(listing => listing.Key)];

    sealed class StreamedContent(long length, Func<Stream> open) : ObjectContent
    {
        public override long Length => length;

        public override Stream OpenRead() => open();
    }

    sealed class PausingStream(byte[] bytes, Func<CancellationToken, Task> halfway) : Stream
    {
        int _position;
        bool _paused;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => bytes.Length;

        public override long Position
        {
            get => _position;
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_position == bytes.Length / 2 && !_paused)
            {
                _paused = true;
                await halfway(cancellationToken);
            }

            var end = _paused ? bytes.Length : bytes.Length / 2;
            var count = Math.Min(buffer.Length, end - _position);
            bytes.AsMemory(_position, count).CopyTo(buffer);
            _position += count;
            return count;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) =>
            throw new NotSupportedException("a store reads contents asynchronously");

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }

    sealed class ZeroStream(long length) : Stream
    {
        long _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position
        {
            get => _position;
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = (int)Math.Min(count, length - _position);
            buffer.AsSpan(offset, read).Clear();
            _position += read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
