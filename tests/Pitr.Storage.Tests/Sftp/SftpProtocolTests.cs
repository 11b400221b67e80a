using System.Buffers.Binary;
using Pitr.Storage.Sftp;

namespace Pitr.Storage.Tests.Sftp;

/// <summary>Whatever a server sends is an answer or a clear error, and costs no more memory than a packet may have.</summary>
public sealed class SftpProtocolTests
{
    static readonly byte[] Version = Packet(SftpPacketType.Version, 3, [.. Text("posix-rename@openssh.com"), .. Text("1"), .. Text("fsync@openssh.com"), .. Text("1")]);

    static readonly SftpOptions Options = new() { Host = "server", Path = "/" };

    [Fact]
    public async Task A_session_learns_what_the_server_offers()
    {
        await using var session = await StartAsync(Version);
        Assert.True(session.Offers(SftpExtension.PosixRename));
        Assert.True(session.Offers(SftpExtension.FSync));
        Assert.False(session.Offers(SftpExtension.HardLink));
        Assert.Equal(32 * 1024, session.ReadSize);
    }

    [Fact]
    public async Task Limits_bound_the_transfers()
    {
        byte[] limits = [.. Number(262144), .. Number(261120), .. Number(100_000), .. Number(1000)];
        var version = Packet(SftpPacketType.Version, 3, [.. Text(SftpExtension.Limits), .. Text("1")]);
        await using var session = await SftpSession.StartAsync(
            new RecordedTransport([.. version, .. Packet(SftpPacketType.ExtendedReply, 1, limits)], answersTo: 1, version.Length),
            "server", Options, TimeProvider.System);
        Assert.Equal((261120, 100_000), (session.ReadSize, session.WriteSize));
    }

    public static TheoryData<byte[], string> Greetings => new()
    {
        { [], "ended" },
        { [0, 0, 0, 9, 2], "ended" },
        { [0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 0, 0, 3], "not SFTP" },
        { [0, 0, 0, 0, 0, 0, 0, 0, 0], "not SFTP" },
        { Packet(SftpPacketType.Version, 2, []), "version 2" },
        { Packet(SftpPacketType.Version, 6, []), "version 6" },
        { Packet(SftpPacketType.Status, 3, []), "type 101" },
        { Packet(SftpPacketType.Version, 3, [0, 0, 0, 200, 1]), "a field of 200 bytes" },
        { Packet(SftpPacketType.Version, 3, Text("no value")), "too early" },
    };

    [Theory]
    [MemberData(nameof(Greetings))]
    public async Task A_wrong_greeting_is_a_clear_error(byte[] greeting, string says)
    {
        var error = await Assert.ThrowsAsync<SftpConnectionException>(() => StartAsync(greeting));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.Contains("server", error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<byte[], string> Answers => new()
    {
        { [0xFF, 0xFF, 0xFF, 0xFF], "a packet of 4294967295 bytes" },
        { [0, 0x10, 0, 1, 0], "a packet of 1048577 bytes" },
        { Packet(SftpPacketType.Status, 77, [0, 0, 0, 0]), "request 77, which nobody made" },
        { Packet(SftpPacketType.Open, 1, [0, 0, 0, 0]), "type 3" },
        { Packet(SftpPacketType.Status, 1, [0, 0]), "too early" },
        { Packet(SftpPacketType.Handle, 1, [0, 0, 2, 0, .. new byte[512]]), "handle of 512 bytes" },
        { Packet(SftpPacketType.Data, 1, [0x7F, 0xFF, 0xFF, 0xFF]), "a field of 2147483647 bytes" },
        { Packet(SftpPacketType.Name, 1, [0xFF, 0xFF, 0xFF, 0xFF]), "4294967295 names" },
        { Packet(SftpPacketType.Name, 1, [0, 0, 0, 1, .. Text("a"), .. Text("a"), 0x80, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]), "too early" },
        { Packet(SftpPacketType.Attributes, 1, [0, 0, 0, 0xF, 0]), "too early" },
        { Packet(SftpPacketType.Status, 1, [0, 0, 0, 0])[..^2], "ended" },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task A_wrong_answer_ends_the_session_with_a_clear_error(byte[] answer, string says)
    {
        await using var session = await StartAsync([.. Version, .. answer], answersTo: 1);
        var error = await Assert.ThrowsAsync<SftpConnectionException>(() => session.StatAsync("/"));
        Assert.True(error.IsTransient);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.Same(error, await Assert.ThrowsAsync<SftpConnectionException>(() => session.StatAsync("/")));
    }

    [Fact]
    public async Task An_answer_as_large_as_a_packet_may_be_is_taken()
    {
        var name = new string('x', 1000);
        var entry = (byte[])[.. Text(name), .. Text(""), 0, 0, 0, 0];
        var count = (SftpSession.MaxPacket - 9) / entry.Length;
        byte[] names = [0, 0, (byte)(count >> 8), (byte)count, .. Enumerable.Repeat(entry, count).SelectMany(bytes => bytes)];
        await using var session = await StartAsync([.. Version, .. Packet(SftpPacketType.Name, 1, names)], answersTo: 1);
        var reply = await session.ReadDirectoryAsync([1]);
        Assert.Equal(count, reply.Names.Count);
        Assert.All(reply.Names, entry => Assert.Equal(name, entry.Name));
    }

    [Fact]
    public void Mutated_packets_are_read_or_refused()
    {
        byte[][] originals =
        [
            [101, .. Number(4)[4..], .. Text("Failure"), .. Text("en")],
            [102, .. Text("handle")],
            [103, .. Text("some data of a file")],
            [104, 0, 0, 0, 2, .. Text("name"), .. Text("-rw-r--r-- name"), 0, 0, 0, 0xF, .. new byte[24], .. Text("other"), .. Text(""), 0, 0, 0, 0],
            [105, 0x80, 0, 0, 0xF, .. new byte[24], 0, 0, 0, 1, .. Text("acl"), .. Text("value")],
            [201, .. new byte[88]],
        ];
        var random = new Random(20261121);
        for (var round = 0; round < 60_000; round++)
        {
            var packet = (byte[])originals[round % originals.Length].Clone();
            for (var changes = random.Next(1, 5); changes > 0; changes--)
            {
                packet[random.Next(1, packet.Length)] = random.Next(3) == 0 ? (byte)0xFF : (byte)random.Next(256);
            }

            packet = packet[..random.Next(1, packet.Length + 1)];
            var before = GC.GetAllocatedBytesForCurrentThread();
            var reader = new SftpPacketReader(packet.AsSpan(1));
            try
            {
                SftpReply.Parse((SftpPacketType)packet[0], ref reader);
            }
            catch (SftpProtocolException)
            {
                // The only way to refuse.
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000);
        }
    }

    [Fact]
    public async Task Mutated_streams_end_every_request()
    {
        byte[] good =
        [
            .. Version, .. Packet(SftpPacketType.Status, 1, [0, 0, 0, 2, .. Text("No such file"), .. Text("")]),
            .. Packet(SftpPacketType.Attributes, 2, [0, 0, 0, 1, .. Number(5)]), .. Packet(SftpPacketType.Data, 3, Text("content")),
        ];
        var random = new Random(20261121);
        for (var round = 0; round < 300; round++)
        {
            var bytes = (byte[])good.Clone();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                bytes[random.Next(Version.Length, bytes.Length)] = (byte)random.Next(256);
            }

            await using var session = await StartAsync(bytes[..random.Next(Version.Length, bytes.Length + 1)], answersTo: 3);
            foreach (var request in (Task<SftpReply>[])[session.StatAsync("/a"), session.StatAsync("/b"), session.ReadAsync([1], 0, 10)])
            {
                try
                {
                    await request;
                }
                catch (SftpConnectionException failure)
                {
                    Assert.Contains("server", failure.Message, StringComparison.Ordinal);
                }
            }
        }
    }

    static byte[] Text(string text) => [.. Number(text.Length)[4..], .. System.Text.Encoding.UTF8.GetBytes(text)];

    static byte[] Number(long value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        return bytes;
    }

    static byte[] Packet(SftpPacketType type, uint id, byte[] fields) => [.. Number(5 + fields.Length)[4..], (byte)type, .. Number(id)[4..], .. fields];

    static Task<SftpSession> StartAsync(byte[] output, int answersTo = 0) =>
        SftpSession.StartAsync(new RecordedTransport(output, answersTo, Version.Length), "server", Options, TimeProvider.System);

    /// <summary>A server that says what it was told to, once it has been asked often enough.</summary>
    sealed class RecordedTransport : ISftpTransport
    {
        readonly byte[] _output;
        readonly int _answersTo;
        readonly int _greeting;
        readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int _requests;

        public RecordedTransport(byte[] output, int answersTo, int greeting)
        {
            _output = output;
            _answersTo = answersTo;
            _greeting = answersTo == 0 ? output.Length : greeting;
            Input = new AskedStream(this);
            Output = new AnsweringStream(this);
        }

        public Stream Input { get; }

        public Stream Output { get; }

        public void Kill() => _asked.TrySetResult();

        public Task<SftpConnectionException> BlameAsync(string where) =>
            Task.FromResult(new SftpConnectionException($"the connection to {where} ended", isTransient: true, hint: null));

        public ValueTask DisposeAsync()
        {
            Kill();
            return ValueTask.CompletedTask;
        }

        void Ask()
        {
            // The first one is the greeting.
            if (++_requests > _answersTo)
            {
                _asked.TrySetResult();
            }
        }

        sealed class AskedStream(RecordedTransport owner) : MemoryStream
        {
            public override void Write(ReadOnlySpan<byte> buffer) => owner.Ask();
        }

        sealed class AnsweringStream(RecordedTransport owner) : MemoryStream
        {
            int _position;

            public override int Read(byte[] buffer, int offset, int count)
            {
                if (_position >= owner._greeting)
                {
                    owner._asked.Task.GetAwaiter().GetResult();
                }

                var end = _position < owner._greeting ? owner._greeting : owner._output.Length;
                var read = Math.Min(count, end - _position);
                owner._output.AsSpan(_position, read).CopyTo(buffer.AsSpan(offset));
                _position += read;
                return read;
            }
        }
    }
}
