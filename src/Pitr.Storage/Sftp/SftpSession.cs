using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;

namespace Pitr.Storage.Sftp;

/// <summary>
/// One SFTP session, shared by any number of requests at once. A thread writes what is queued, another one reads answers and hands them out,
/// so neither waits for whoever asked: a caller bounds what it has under way instead.
/// Once ended it stays ended, and every request fails with the reason.
/// </summary>
sealed class SftpSession : IAsyncDisposable
{
    /// <summary>Largest packet taken from a server; OpenSSH sends 256 KiB at most.</summary>
    public const int MaxPacket = 1 << 20;

    const int LengthSize = 4;
    const uint ProtocolVersion = 3;
    const int SafeTransfer = 32 * 1024;
    const int MaxTransfer = 255 * 1024;
    const int MaxQueuedWrites = 4;
    static readonly TimeSpan SendPatience = TimeSpan.FromSeconds(2);

    readonly ISftpTransport _transport;
    readonly string _where;
    readonly TimeProvider _timeProvider;
    readonly TimeSpan _stallTimeout;
    readonly BlockingCollection<SftpPacket> _outgoing = [];
    readonly ConcurrentDictionary<uint, TaskCompletionSource<SftpReply>> _pending = new();
    readonly TaskCompletionSource<Dictionary<string, string>> _version = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource _received = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource _sent = new(TaskCreationOptions.RunContinuationsAsynchronously);
    // Not disposed: packets give their places back whenever, and without a wait handle there is nothing to free.
    readonly SemaphoreSlim _writes = new(MaxQueuedWrites);
    readonly Lock _lock = new();
    readonly ITimer _stallTimer;
    Dictionary<string, string> _extensions = [];
    SftpConnectionException? _reason;
    volatile SftpConnectionException? _failure;
    Task? _ending;
    uint _lastId;
    int _outstanding;
    long _progress;

    SftpSession(ISftpTransport transport, string where, SftpOptions options, TimeProvider timeProvider)
    {
        _transport = transport;
        _where = where;
        _timeProvider = timeProvider;
        _stallTimeout = options.StallTimeout;
        var period = _stallTimeout / 4;
        _stallTimer = timeProvider.CreateTimer(_ => EndIfStalled(), state: null, period, period);
        Run(Send, "sftp send");
        Run(Receive, "sftp receive");
    }

    /// <summary>Whether no further request can succeed.</summary>
    public bool IsEnded
    {
        get
        {
            lock (_lock)
            {
                return _ending is not null;
            }
        }
    }

    /// <summary>Whose file's bytes are sent.</summary>
    public SftpTurns Turns { get; } = new();

    /// <summary>Most bytes to ask for in one read.</summary>
    public int ReadSize { get; private set; } = SafeTransfer;

    /// <summary>Most bytes to send in one write.</summary>
    public int WriteSize { get; private set; } = SafeTransfer;

    /// <summary>
    /// Starts a session on a transport and learns what the server offers. The transport belongs to the session, also after a failure.
    /// </summary>
    /// <exception cref="SftpConnectionException">No session came about.</exception>
    public static async Task<SftpSession> StartAsync(ISftpTransport transport, string where, SftpOptions options, TimeProvider timeProvider)
    {
        var session = new SftpSession(transport, where, options, timeProvider);
        try
        {
            await session.GreetAsync().WaitAsync(options.ConnectTimeout, timeProvider);
            return session;
        }
        catch (TimeoutException)
        {
            session.End(new SftpConnectionException(
                $"{where} gave no SFTP answer within {options.ConnectTimeout.TotalSeconds:0.#} s", isTransient: true,
                "look whether the server runs and is reachable; a larger connect-timeout helps a slow one"));
            await session.DisposeAsync();
            throw session._failure!;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether the server announced an extension in this version.</summary>
    public bool Offers(string extension, string version = "1") => _extensions.TryGetValue(extension, out var offered) && offered == version;

    /// <summary>
    /// A write whose bytes are still to be filled in, with <see cref="SftpPacket.BeginString"/>; given when it would soon be sent. However many
    /// files are written at once, few bytes wait for ssh to take them, and those are still in the processor's cache when it does.
    /// </summary>
    public async Task<SftpPacket> BeginWriteAsync(byte[] handle, long offset, int most, CancellationToken cancellationToken)
    {
        await _writes.WaitAsync(cancellationToken);
        return SftpRequests.BeginWrite(handle, offset, most).Keep(_writes);
    }

    /// <summary>Sends a request and gives its answer. The packet belongs to the session from here on.</summary>
    /// <exception cref="SftpConnectionException">The session ended before the answer, as the task's outcome.</exception>
    public Task<SftpReply> RequestAsync(SftpPacket packet)
    {
        var id = Interlocked.Increment(ref _lastId);
        var answer = new TaskCompletionSource<SftpReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        _pending[id] = answer;
        if (Interlocked.Increment(ref _outstanding) == 1)
        {
            NoteProgress();
        }

        packet.SetId(id);
        Enqueue(packet);
        // Whoever ended the session may have been through the pending ones already.
        if (_failure is { } failure && _pending.TryRemove(id, out _))
        {
            answer.TrySetException(failure);
        }

        return answer.Task;
    }

    /// <summary>Ends the session: the requests under way fail, the process is gone afterwards.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stallTimer.DisposeAsync();
        _outgoing.CompleteAdding();
        await FinishSendingAsync();
        await _transport.DisposeAsync();
        await _received.Task;
        End(new SftpConnectionException($"the session with {_where} was closed", isTransient: true, hint: null));
        Task ending;
        lock (_lock)
        {
            ending = _ending!;
        }

        await ending;
        _outgoing.Dispose();
    }

    // A pipe of .NET that is closed by one thread in the moment another one first writes to it can leave both waiting for ever. So the writer comes
    // to its end first; where it is held up because nobody reads, the end of the process frees it.
    async Task FinishSendingAsync()
    {
        try
        {
            await _sent.Task.WaitAsync(SendPatience, _timeProvider);
        }
        catch (TimeoutException)
        {
            _transport.Kill();
            await _sent.Task;
        }
    }

    static void Run(Action work, string name) => new Thread(() => work()) { IsBackground = true, Name = name }.Start();

    async Task GreetAsync()
    {
        var hello = new SftpPacket(SftpPacketType.Init);
        hello.SetId(ProtocolVersion);
        Enqueue(hello);
        _extensions = await _version.Task;
        if (!Offers(SftpExtension.Limits))
        {
            return;
        }

        var limits = await this.LimitsAsync();
        if (limits.Type == SftpPacketType.ExtendedReply)
        {
            (ReadSize, WriteSize) = Sizes(limits.Bytes);
        }
    }

    // max-packet-length, max-read-length, max-write-length, max-open-handles; 0 says nothing (OpenSSH's PROTOCOL §4.8).
    static (int Read, int Write) Sizes(byte[] limits)
    {
        var reader = new SftpPacketReader(limits);
        reader.UInt64();
        return (Size(reader.UInt64()), Size(reader.UInt64()));

        static int Size(ulong limit) => limit == 0 ? SafeTransfer : (int)Math.Clamp(limit, 1024, MaxTransfer);
    }

    void Enqueue(SftpPacket packet)
    {
        try
        {
            _outgoing.Add(packet);
        }
        catch (InvalidOperationException)
        {
            // Ended meanwhile.
            packet.Dispose();
        }
    }

    void Send()
    {
        try
        {
            foreach (var packet in _outgoing.GetConsumingEnumerable())
            {
                using (packet)
                {
                    _transport.Input.Write(packet.Finish().Span);
                }

                NoteProgress();
            }
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException)
        {
            // Nobody reads it any more. Its output, which ends too, tells the rest.
            _outgoing.CompleteAdding();
        }

        while (_outgoing.TryTake(out var unsent))
        {
            unsent.Dispose();
        }

        _sent.SetResult();
    }

    void Receive()
    {
        var buffer = ArrayPool<byte>.Shared.Rent(512 * 1024);
        try
        {
            var filled = 0;
            int read;
            while ((read = _transport.Output.Read(buffer, filled, buffer.Length - filled)) > 0)
            {
                NoteProgress();
                filled += read;
                var used = TakePackets(buffer.AsSpan(0, filled));
                buffer.AsSpan(used, filled - used).CopyTo(buffer);
                filled -= used;
                if (filled == buffer.Length)
                {
                    var larger = ArrayPool<byte>.Shared.Rent(LengthSize + MaxPacket);
                    buffer.CopyTo(larger, 0);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }
            }

            End(reason: null);
        }
        catch (SftpProtocolException failure)
        {
            End(NoSftp(failure));
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException)
        {
            End(reason: null);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            _received.SetResult();
        }
    }

    /// <summary>Hands out the whole packets and says how many bytes they were.</summary>
    int TakePackets(ReadOnlySpan<byte> bytes)
    {
        var used = 0;
        while (bytes.Length - used >= LengthSize)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(bytes[used..]);
            if (length is < 5 or > MaxPacket)
            {
                throw new SftpProtocolException(_version.Task.IsCompleted
                    ? $"a packet of {length} bytes"
                    : $"not SFTP but \"{SshFailure.Sanitized(Encoding.UTF8.GetString(bytes[used..Math.Min(bytes.Length, used + 80)]), 80)}\"");
            }

            if (bytes.Length - used - LengthSize < length)
            {
                break;
            }

            Take(bytes.Slice(used + LengthSize, (int)length));
            used += LengthSize + (int)length;
        }

        return used;
    }

    void Take(ReadOnlySpan<byte> packet)
    {
        var reader = new SftpPacketReader(packet);
        var type = (SftpPacketType)reader.Byte();
        var id = reader.UInt32();
        if (!_version.Task.IsCompleted)
        {
            TakeVersion(type, version: id, ref reader);
            return;
        }

        var reply = SftpReply.Parse(type, ref reader);
        if (!_pending.TryRemove(id, out var answer))
        {
            throw new SftpProtocolException($"an answer to request {id}, which nobody made");
        }

        Interlocked.Decrement(ref _outstanding);
        answer.TrySetResult(reply);
    }

    void TakeVersion(SftpPacketType type, uint version, ref SftpPacketReader reader)
    {
        if (type != SftpPacketType.Version)
        {
            throw new SftpProtocolException($"a packet of type {(byte)type} instead of its version");
        }

        if (version != ProtocolVersion)
        {
            throw new SftpProtocolException($"version {version} of the protocol, this client speaks {ProtocolVersion}");
        }

        var extensions = new Dictionary<string, string>(StringComparer.Ordinal);
        while (!reader.IsAtEnd)
        {
            extensions[reader.Text()] = reader.Text();
        }

        _version.SetResult(extensions);
    }

    SftpConnectionException NoSftp(SftpProtocolException failure) => _version.Task.IsCompleted
        ? new SftpConnectionException($"{_where} sent {failure.Message}", isTransient: true, "look at the server's log", failure)
        : new SftpConnectionException(
            $"{_where} sent {failure.Message}", isTransient: false,
            "a shell start-up file on the server may print text; enable Subsystem sftp internal-sftp there", failure);

    void NoteProgress() => Volatile.Write(ref _progress, _timeProvider.GetTimestamp());

    void EndIfStalled()
    {
        if (Volatile.Read(ref _outstanding) > 0 && _timeProvider.GetElapsedTime(Volatile.Read(ref _progress)) >= _stallTimeout)
        {
            End(new SftpConnectionException(
                $"{_where} owed an answer and no byte moved for {_stallTimeout.TotalSeconds:0.#} s", isTransient: true,
                "look at the network and at the server's disks; a larger stall-timeout helps a server that is only slow"));
        }
    }

    /// <summary>Ends the session once, for a reason, or for the one the transport knows.</summary>
    void End(SftpConnectionException? reason)
    {
        lock (_lock)
        {
            if (_ending is not null)
            {
                return;
            }

            _reason = reason;
            _ending = Task.Run(EndAsync);
        }
    }

    async Task EndAsync()
    {
        var failure = _reason ?? await _transport.BlameAsync(_where);
        _transport.Kill();
        _outgoing.CompleteAdding();
        _failure = failure;
        _version.TrySetException(failure);
        // Nobody may be waiting for it any more.
        _ = _version.Task.Exception;
        foreach (var id in _pending.Keys)
        {
            if (_pending.TryRemove(id, out var answer))
            {
                answer.TrySetException(failure);
                _ = answer.Task.Exception;
            }
        }
    }
}
