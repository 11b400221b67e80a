using Pitr.Format;
using Pitr.Operations.Dumps.Postgres.Staging;

namespace Pitr.Operations.Tests.Dumps.Postgres;

/// <summary>Files that are written at this moment are one stream, in which nothing is missing; what was read is not kept.</summary>
public sealed class GrowingDirectoryTests : IDisposable
{
    readonly string _root = Directory.CreateTempSubdirectory("pitr-operations-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task What_several_writers_write_comes_out_again()
    {
        var source = Directory.CreateDirectory(Path.Combine(_root, "source")).FullName;
        using var directory = new GrowingDirectory(source);
        var writers = Enumerable.Range(0, 3).Select(writer => Task.Run(() => WriteAsync(source, writer))).ToArray();
        var all = Task.WhenAll(writers);
        using var stream = new MemoryStream();
        for (var isOver = false; ;)
        {
            isOver = all.IsCompleted;
            directory.Look(isOver);
            if (Fill(directory, stream) == 0 && isOver)
            {
                break;
            }
        }

        await all;
        Assert.Empty(Directory.GetFiles(source));
        Assert.Equal(0, directory.Waiting);
        var expected = writers.SelectMany(w => w.Result).ToDictionary(f => f.Name, f => f.Content);
        var target = Unpack(directory, stream);
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), Directory.GetFiles(target).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(expected, file => Assert.Equal(file.Value, File.ReadAllBytes(Path.Combine(target, file.Key))));
    }

    [Fact]
    public void A_file_that_is_not_closed_yet_gives_back_what_was_read_of_it()
    {
        var source = Directory.CreateDirectory(Path.Combine(_root, "source")).FullName;
        using var directory = new GrowingDirectory(source);
        using var stream = new MemoryStream();
        var path = Path.Combine(source, "1.dat");
        using (var writer = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite))
        {
            writer.Write(Content(8 << 20, 1));
            writer.Flush();
            directory.Look(isOver: false);
            Assert.InRange(directory.Waiting, 8 << 20, (8 << 20) + 4096);
            while (Fill(directory, stream) > 0)
            {
                // To its present end.
            }

            LibC.Status(path, out _, out _, out var size, out var allocated, out _);
            Assert.Equal(8 << 20, size);
            // File systems of tests can do that: ext4, XFS, Btrfs, tmpfs, overlays of them.
            Assert.InRange(allocated, 0, 1 << 20);
            Assert.Throws<InvalidOperationException>(() => directory.End(new byte[64]));
            writer.Write("end"u8);
        }

        directory.Look(isOver: false);
        Fill(directory, stream);
        Assert.False(File.Exists(path));
        Assert.Equal([.. Content(8 << 20, 1), .. "end"u8], File.ReadAllBytes(Path.Combine(Unpack(directory, stream), "1.dat")));
    }

    [Fact]
    public void A_stream_that_was_cut_off_is_no_directory()
    {
        using var unpacking = new DirectoryUnpacking(Directory.CreateDirectory(Path.Combine(_root, "target")).FullName);
        unpacking.Write("pitr directory 1\n"u8);
        Assert.Throws<DamagedObjectException>(unpacking.Complete);
        Assert.Throws<DamagedObjectException>(() => unpacking.Write("PGDMP"u8));
    }

    static int Fill(GrowingDirectory directory, MemoryStream stream)
    {
        var block = new byte[64 << 10];
        var filled = directory.Fill(block);
        stream.Write(block, 0, filled);
        return filled;
    }

    string Unpack(GrowingDirectory directory, MemoryStream stream)
    {
        var end = new byte[64];
        stream.Write(end, 0, directory.End(end));
        var target = Directory.CreateDirectory(Path.Combine(_root, "target")).FullName;
        using var unpacking = new DirectoryUnpacking(target);
        unpacking.Write(stream.GetBuffer().AsSpan(0, (int)stream.Length));
        unpacking.Complete();
        return target;
    }

    // Many small files and a few large ones, one after the other, as a job of pg_dump does.
    static async Task<List<(string Name, byte[] Content)>> WriteAsync(string directory, int writer)
    {
        var random = new Random(writer);
        var written = new List<(string, byte[])>();
        for (var i = 0; i < 200; i++)
        {
            var content = Content(i % 50 == 0 ? 3_000_000 : random.Next(0, 3) * 1000, writer + i);
            var name = $"{(writer * 1000) + i}.dat";
            await using var file = new FileStream(Path.Combine(directory, name), FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            for (var at = 0; at < content.Length; at += 70_000)
            {
                await file.WriteAsync(content.AsMemory(at, Math.Min(70_000, content.Length - at)));
            }

            written.Add((name, content));
        }

        return written;
    }

    static byte[] Content(int length, int seed)
    {
        var content = new byte[length];
        new Random(seed).NextBytes(content);
        return content;
    }
}
