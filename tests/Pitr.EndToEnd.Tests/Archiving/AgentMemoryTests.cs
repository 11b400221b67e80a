using System.Buffers.Binary;
using System.Globalization;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests.Archiving;

/// <summary>
/// Many waiting segments, drained as PostgreSQL's archiver does it: one pitr-archive after the other, by name. The segments are made here;
/// PITR_TEST_DRAIN_SEGMENTS says how many, PITR_TEST_DRAIN_MEBIBYTES how large.
/// </summary>
public sealed class AgentMemoryTests(ITestOutputHelper output)
{
    const long Limit = 256_000; // kB

    // As many as the agent looks ahead, and a few more.
    const int Waiting = 80;

    [Fact]
    public async Task Draining_takes_bounded_memory_however_much_waits()
    {
        using var drain = await Drain.StartAsync(TestEnvironment.DrainedMebibytes << 20, Compressible);
        var samples = new List<long>();
        var count = TestEnvironment.DrainedSegments;
        for (var i = 0; i < count; i++)
        {
            for (var next = i == 0 ? 0 : i + Waiting - 1; next < Math.Min(i + Waiting, count); next++)
            {
                drain.Offer(next);
            }

            await drain.PushAsync(i);
            File.Delete(drain.Stored(i)); // The disk shall not have to hold them all.
            if ((i + 1) % Math.Max(1, count / 10) == 0)
            {
                samples.Add(drain.Most);
                output.WriteLine($"after {i + 1} segments: {drain.Resident} kB, most {drain.Most} kB");
            }
        }

        Assert.InRange(samples[^1], 1, Limit);
        if (count >= 1000)
        {
            Assert.InRange(samples[^1], 1, samples[0] + 24_000);
        }
    }

    [Fact]
    public async Task Large_segments_that_do_not_compress_go_through_in_bounded_memory_and_come_back()
    {
        const int count = 6;
        using var drain = await Drain.StartAsync(64 << 20, Incompressible);
        for (var i = 0; i < count; i++)
        {
            drain.Offer(i);
        }

        for (var i = 0; i < count; i++)
        {
            await drain.PushAsync(i);
            output.WriteLine($"after {i + 1} pushes: {drain.Resident} kB, most {drain.Most} kB");
        }

        for (var i = 0; i < count; i++)
        {
            await drain.RequireSameAsync(i);
            output.WriteLine($"after {i + 1} gets: {drain.Resident} kB, most {drain.Most} kB");
        }

        Assert.InRange(drain.Most, 1, Limit);
    }

    // Behind the header of each page an eighth that does not compress, as in pages of a day's work.
    static void Compressible(Random random, Span<byte> page)
    {
        random.NextBytes(page[..1024]);
        page.Slice(1024, 4096).Fill(page[0]);
    }

    static void Incompressible(Random random, Span<byte> page) => random.NextBytes(page);

    /// <summary>An agent, and a pg_wal whose segments are made here.</summary>
    sealed class Drain : IDisposable
    {
        readonly TestDirectory _directory = new();
        readonly WalSegmentSize _size;
        readonly byte[] _content;
        readonly PitrHost _host;
        RunningProgram? _agent;

        Drain(int size, Action<Random, Span<byte>> fill)
        {
            _size = WalSegmentSize.From(size);
            _content = Content(size, fill);
            _host = new PitrHost(_directory.New("host"), _directory["repository"]);
        }

        public static async Task<Drain> StartAsync(int size, Action<Random, Span<byte>> fill)
        {
            var drain = new Drain(size, fill);
            (await drain._host.InitAsync($"Host={drain._directory.Path}", drain._directory["data"])).Must();
            drain._host.WriteConfiguration();
            Directory.CreateDirectory(drain._directory["pg_wal/archive_status"]);
            drain._agent = await drain._host.StartAgentAsync();
            return drain;
        }

        /// <summary>kB of memory now.</summary>
        public long Resident => Memory("VmRSS");

        /// <summary>kB of memory at most.</summary>
        public long Most => Memory("VmHWM");

        /// <summary>The object of a segment.</summary>
        public string Stored(int number) => _host.WalPath(Name(number));

        /// <summary>Writes a segment, ready for the archiver.</summary>
        public void Offer(int number)
        {
            Address(number);
            File.WriteAllBytes(PathOf(number), _content);
            File.WriteAllText(StatusOf(number), "");
        }

        /// <summary>Does what PostgreSQL's archiver does, and recycles the segment.</summary>
        public async Task PushAsync(int number)
        {
            (await _host.ArchiveAsync("push", "main", PathOf(number))).Must();
            Assert.True(File.Exists(Stored(number)), $"{Name(number)} was acknowledged and is not stored");
            File.Delete(StatusOf(number));
            File.Delete(PathOf(number));
        }

        /// <summary>Fetches a segment through the agent, and holds it against what was offered.</summary>
        public async Task RequireSameAsync(int number)
        {
            var fetched = _directory["fetched"];
            (await _host.ArchiveAsync("get", "main", Name(number), fetched)).Must();
            Address(number);
            var got = await File.ReadAllBytesAsync(fetched);
            Assert.True(_content.AsSpan().SequenceEqual(got), $"{Name(number)} came back otherwise");
        }

        string PathOf(int number) => Path.Combine(_directory["pg_wal"], Name(number));

        string StatusOf(int number) => Path.Combine(_directory["pg_wal/archive_status"], Name(number) + ".ready");

        string Name(int number) => WalSegmentName.FromNumber(new Timeline(1), (ulong)number + 1, _size).ToString();

        void Address(int number) => BinaryPrimitives.WriteUInt64LittleEndian(_content.AsSpan(8), WalSegmentName.Parse(Name(number)).StartLsn(_size).Value);

        long Memory(string field) => long.Parse(
            Processes.Read(_agent!.ProcessId, "status")!.Split('\n').Single(line => line.StartsWith(field + ":", StringComparison.Ordinal)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture);

        // A first page as PostgreSQL 15 writes it, and others.
        static byte[] Content(int size, Action<Random, Span<byte>> fill)
        {
            var content = new byte[size];
            BinaryPrimitives.WriteUInt16LittleEndian(content, 0xD110);
            BinaryPrimitives.WriteUInt16LittleEndian(content.AsSpan(2), 0x0002);
            BinaryPrimitives.WriteUInt32LittleEndian(content.AsSpan(4), 1);
            BinaryPrimitives.WriteUInt64LittleEndian(content.AsSpan(24), 7710554547153649724);
            BinaryPrimitives.WriteUInt32LittleEndian(content.AsSpan(32), (uint)size);
            BinaryPrimitives.WriteUInt32LittleEndian(content.AsSpan(36), 8192);
            var random = new Random(1);
            for (var page = 8192; page < size; page += 8192)
            {
                fill(random, content.AsSpan(page, 8192));
            }

            return content;
        }

        public void Dispose()
        {
            _agent?.Dispose();
            _directory.Dispose();
        }
    }
}
