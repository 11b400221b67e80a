using System.Text;
using Pitr.Format.Dumps;

namespace Pitr.Format.Tests.Dumps;

/// <summary>Files of a directory in one stream: what was written comes back, and nothing else is taken for it.</summary>
public class DirectoryFramesTests
{
    // Written once, by hand: two files, whose pieces take turns.
    const string Golden =
        "70697472206469726563746f727920310a" + // pitr directory 1
        "460000000007746f632e646174" + // F 0 toc.dat
        "440000000003000000616263" + // D 0 abc
        "460100000008333434302e646174" + // F 1 3440.dat
        "44010000000100000078" + // D 1 x
        "4400000000020000006465"; // D 0 de

    [Fact]
    public void What_was_written_is_read_in_blocks_of_any_size()
    {
        var stream = Write();
        for (var size = 1; size < 40; size++)
        {
            Assert.Equal(["toc.dat=abcde", "3440.dat=x", "empty.dat="], Read(stream, size));
        }

        Assert.True(DirectoryFrames.EndsWell(stream));
        Assert.False(DirectoryFrames.EndsWell(stream.AsSpan(0, stream.Length - 1)));
    }

    [Fact]
    public void Its_bytes_are_those_of_the_document() => Assert.StartsWith(Golden, Convert.ToHexStringLower(Write()), StringComparison.Ordinal);

    [Fact]
    public void Every_beginning_of_it_is_refused_and_so_is_more()
    {
        var stream = Write();
        for (var length = 0; length < stream.Length; length++)
        {
            Assert.Throws<DamagedObjectException>(() => Read(stream[..length], 7));
        }

        Assert.Throws<DamagedObjectException>(() => Read([.. stream, 0], 7));
    }

    [Fact]
    public void Whatever_is_changed_is_refused_or_changes_a_name_or_content_only()
    {
        var stream = Write();
        for (var at = 0; at < stream.Length; at++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var changed = stream.ToArray();
                changed[at] ^= (byte)(1 << bit);
                try
                {
                    var read = Read(changed, 16);
                    Assert.Equal(["abcde".Length, 1, 0], read.Select(file => file[(file.IndexOf('=', StringComparison.Ordinal) + 1)..].Length));
                    Assert.All(read, file => Assert.True(DirectoryFrames.IsName(file[..file.IndexOf('=', StringComparison.Ordinal)]), file));
                }
                catch (DamagedObjectException)
                {
                    // As it shall be.
                }
            }
        }
    }

    [Theory]
    [InlineData("../evil")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData(".hidden")]
    [InlineData("a\0b")]
    [InlineData("")]
    [InlineData("ü")]
    public void A_name_that_leads_elsewhere_is_neither_written_nor_read(string name)
    {
        Assert.Throws<ArgumentException>(() => DirectoryFrames.WriteBeginning(new byte[DirectoryFrames.LongestBeginning], 0, name));
        var bytes = Encoding.Latin1.GetBytes(name);
        Assert.Throws<DamagedObjectException>(() => Read([.. DirectoryFrames.Magic, (byte)'F', 0, 0, 0, 0, (byte)bytes.Length, .. bytes], 64));
    }

    [Fact]
    public void The_same_name_twice_is_refused()
    {
        var to = new byte[DirectoryFrames.LongestBeginning];
        var once = to[..DirectoryFrames.WriteBeginning(to, 0, "toc.dat")];
        var again = to.ToArray()[..DirectoryFrames.WriteBeginning(to, 1, "toc.dat")];
        Assert.Throws<DamagedObjectException>(() => Read([.. DirectoryFrames.Magic, .. once, .. again], 64));
    }

    static byte[] Write()
    {
        using var stream = new MemoryStream();
        stream.Write(DirectoryFrames.Magic);
        Begin(0, "toc.dat");
        Piece(0, "abc");
        Begin(1, "3440.dat");
        Piece(1, "x");
        Piece(0, "de");
        Begin(2, "empty.dat");
        End(2, 0);
        End(0, 5);
        End(1, 1);
        var end = new byte[DirectoryFrames.EndLength];
        DirectoryFrames.WriteEnd(end, 3, 6);
        stream.Write(end);
        return stream.ToArray();

        void Begin(uint number, string name)
        {
            var frame = new byte[DirectoryFrames.LongestBeginning];
            stream.Write(frame, 0, DirectoryFrames.WriteBeginning(frame, number, name));
        }

        void Piece(uint number, string content)
        {
            var header = new byte[DirectoryFrames.PieceHeaderLength];
            DirectoryFrames.WritePieceHeader(header, number, content.Length);
            stream.Write([.. header, .. Encoding.ASCII.GetBytes(content)]);
        }

        void End(uint number, long length)
        {
            var frame = new byte[DirectoryFrames.EndLength];
            DirectoryFrames.WriteFileEnd(frame, number, length);
            stream.Write(frame);
        }
    }

    static string[] Read(byte[] stream, int blockSize)
    {
        var files = new Files();
        var reader = new DirectoryFrameReader(files);
        for (var at = 0; at < stream.Length; at += blockSize)
        {
            reader.Write(stream.AsSpan(at, Math.Min(blockSize, stream.Length - at)));
        }

        reader.Complete();
        Assert.Equal(files.Named.Count, files.Ended);
        return [.. files.Named.Select((name, i) => $"{name}={files.Contents[(uint)i]}")];
    }

    sealed class Files : IDirectorySink
    {
        public List<string> Named { get; } = [];

        public Dictionary<uint, string> Contents { get; } = [];

        public int Ended { get; private set; }

        public void Begin(uint number, string name)
        {
            Named.Add(name);
            Contents.Add(number, "");
        }

        public void Write(uint number, ReadOnlySpan<byte> piece) => Contents[number] += Encoding.Latin1.GetString(piece);

        public void End(uint number) => Ended++;
    }
}
