using System.Buffers;

namespace Pitr.Storage.Sftp;

/// <summary>
/// A range of a stored object, asked for ahead of its reader. Ends exactly at the range's end, or fails. Its memory is bounded by the window.
/// </summary>
sealed class SftpReadStream : ForwardReadStream
{
    const int FirstWindow = 512 * 1024;
    const int LargestWindow = 4 * 1024 * 1024;

    readonly SftpLease _lease;
    readonly SftpFileHandle _handle;
    readonly ByteRange _range;
    readonly string _key;
    readonly string _path;
    readonly SftpErrors _errors;
    readonly LinkedList<Part> _underWay = [];
    readonly int _size;
    int _window = FirstWindow;
    byte[] _data = [];
    int _dataStart;
    int _dataEnd;
    long _position;
    long _asked;
    bool _disposed;

    public SftpReadStream(SftpLease lease, SftpFileHandle handle, ByteRange range, string key, string path, SftpErrors errors)
    {
        _lease = lease;
        _handle = handle;
        _range = range;
        _key = key;
        _path = path;
        _errors = errors;
        _size = lease.Session.ReadSize;
        _position = _asked = range.Offset;
        AskAhead();
    }

    public override int Read(Span<byte> buffer)
    {
        while (!buffer.IsEmpty && _dataStart == _dataEnd && _position < _range.End)
        {
            try
            {
                // Synchronous readers exist. The answer comes from the session's own thread, so nothing is held up that it depends on.
                Accept(Next().GetAwaiter().GetResult());
            }
            catch (SftpConnectionException failure)
            {
                throw Lost(failure);
            }
        }

        return Take(buffer);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty && _dataStart == _dataEnd && _position < _range.End)
        {
            try
            {
                Accept(await Next().WaitAsync(cancellationToken));
            }
            catch (SftpConnectionException failure)
            {
                throw Lost(failure);
            }
        }

        return Take(buffer.Span);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            ReturnData();
            foreach (var part in _underWay)
            {
                Forget(part.Reply);
            }

            Forget(_handle.CloseAsync());
            _lease.Dispose();
        }

        base.Dispose(disposing);
    }

    // Nobody waits for it any more; its failure is the session's, which the next operation meets.
    static void Forget(Task<SftpReply> task) => _ = task.ContinueWith(
        static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    Task<SftpReply> Next()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var next = _underWay.First!.Value.Reply;
        if (!next.IsCompleted)
        {
            // Grows only for a reader who waits for the server, so one who is held back does not get seconds' worth of bytes at once.
            _window = Math.Min(_window * 2, LargestWindow);
        }

        return next;
    }

    void AskAhead()
    {
        while (_asked < _range.End && _underWay.Count < Math.Max(2, _window / _size))
        {
            var length = (int)Math.Min(_size, _range.End - _asked);
            _underWay.AddLast(Ask(_asked, length));
            _asked += length;
        }
    }

    Part Ask(long offset, int length) => new(offset, length, _lease.Session.ReadAsync(_handle.Bytes, offset, length));

    void Accept(SftpReply reply)
    {
        var part = _underWay.First!.Value;
        if (reply.Type != SftpPacketType.Data)
        {
            throw reply.Status == SftpStatus.EndOfFile
                ? _errors.Error(
                    _key, $"{_path} ends at byte {_position}, {_range.End - _position} bytes early: it was cut while it was read",
                    transient: false, "nothing but pitr may change files of a repository; restore this one from another repository")
                : _errors.From(reply, _key, "cannot read", _path);
        }

        if (reply.DataLength == 0 || reply.DataLength > part.Length)
        {
            throw _errors.Error(
                _key, $"the server gave {reply.DataLength} bytes of {_path} where {part.Length} were asked for", transient: true,
                "look at the server's log");
        }

        _underWay.RemoveFirst();
        if (reply.DataLength < part.Length)
        {
            // A server may give less than asked for.
            _underWay.AddFirst(Ask(part.Offset + reply.DataLength, part.Length - reply.DataLength));
        }

        _data = reply.Data;
        _dataStart = 0;
        _dataEnd = reply.DataLength;
        AskAhead();
    }

    int Take(Span<byte> buffer)
    {
        var count = Math.Min(buffer.Length, _dataEnd - _dataStart);
        if (count == 0)
        {
            return 0;
        }

        _data.AsSpan(_dataStart, count).CopyTo(buffer);
        _dataStart += count;
        _position += count;
        if (_dataStart == _dataEnd)
        {
            ReturnData();
        }

        return count;
    }

    void ReturnData()
    {
        if (_data.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_data);
        }

        _data = [];
        _dataStart = _dataEnd = 0;
    }

    StorageException Lost(SftpConnectionException failure) => _errors.From(
        new SftpConnectionException(
            $"{failure.Message}; lost at byte {_position} of {_range.End}", failure.IsTransient, failure.Hint, failure), _key);

    readonly record struct Part(long Offset, int Length, Task<SftpReply> Reply);
}
