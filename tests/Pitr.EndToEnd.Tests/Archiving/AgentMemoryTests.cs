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
        using var directory = new TestDirectory();
        var host = new PitrHost(directory.New("host"), directory["repository"]);
        (await host.InitAsync($"Host={directory.Path}", directory["data"])).Must();
        host.WriteConfiguration();
        var size = WalSegmentSize.From(TestEnvironment.DrainedMebibytes << 20);
        var walDirectory = directory.New("pg_wal");
        var status = Directory.CreateDirectory(Path.Combine(walDirectory, "archive_status")).FullName;
        var content = Content(size.Bytes);
        using var agent = await host.StartAgentAsync();
        var samples = new List<(int Segments, long Resident, long Most)>();
        var count = TestEnvironment.DrainedSegments;
        for (var i = 0; i < count; i++)
        {
            for (var next = i == 0 ? 0 : i + Waiting - 1; next < Math.Min(i + Waiting, count); next++)
            {
                Write(next);
            }

            var name = Name(i);
            (await host.ArchiveAsync("push", "main", Path.Combine(walDirectory, name))).Must();
            Assert.True(File.Exists(host.WalPath(name)), $"{name} was acknowledged and is not stored");
            File.Delete(Path.Combine(status, name + ".ready"));
            File.Delete(Path.Combine(walDirectory, name));
            File.Delete(host.WalPath(name)); // The disk shall not have to hold them all.
            if ((i + 1) % Math.Max(1, count / 10) == 0)
            {
                samples.Add((i + 1, Memory(agent, "VmRSS"), Memory(agent, "VmHWM")));
                output.WriteLine($"after {samples[^1].Segments} segments of {size}: {samples[^1].Resident} kB, most {samples[^1].Most} kB");
            }
        }

        // Segments of 16 MiB or less; a larger one has to fit into memory whole, twice.
        Assert.InRange(samples[^1].Most, 1, TestEnvironment.DrainedMebibytes <= 16 ? Limit : long.MaxValue);
        if (count >= 1000)
        {
            Assert.InRange(samples[^1].Most, 1, samples[0].Most + 24_000);
        }

        void Write(int number)
        {
            var name = Name(number);
            Address(content, WalSegmentName.Parse(name).StartLsn(size).Value);
            File.WriteAllBytes(Path.Combine(walDirectory, name), content);
            File.WriteAllText(Path.Combine(status, name + ".ready"), "");
        }

        string Name(int number) => WalSegmentName.FromNumber(new Timeline(1), (ulong)number + 1, size).ToString();
    }

    // A first page as PostgreSQL 15 writes it; behind it an eighth that does not compress, as in pages of a day's work.
    static byte[] Content(int size)
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
            random.NextBytes(content.AsSpan(page, 1024));
            content.AsSpan(page + 1024, 4096).Fill((byte)(page >> 13));
        }

        return content;
    }

    static void Address(byte[] content, ulong address) => BinaryPrimitives.WriteUInt64LittleEndian(content.AsSpan(8), address);

    static long Memory(RunningProgram program, string field) => long.Parse(
        Processes.Read(program.ProcessId, "status")!.Split('\n').Single(line => line.StartsWith(field + ":", StringComparison.Ordinal)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);
}
