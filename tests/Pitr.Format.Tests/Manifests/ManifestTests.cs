using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Pitr.Format.Manifests;
using Pitr.Format.Wal;

namespace Pitr.Format.Tests.Manifests;

public class ManifestTests
{
    internal static readonly ManifestHeader Header =
        new(1, "main", "20261121T031500Z", Samples.SystemIdentifier, 1, Lsn.Parse("0/2000028"), 8192, 1);

    static readonly string Sha256 = new('a', 64);

    static Gen<string> Paths =>
        from parts in Gen.Elements("base", "global", "1", "16384", "pg_tblspc", "ünïcode", "with space", "🐘", "\"quoted\"").NonEmptyListOf()
        select string.Join('/', parts);

    static Gen<ManifestRun> Runs(int packs) => Gen.Frequency(
        (1, Gen.Choose(1, int.MaxValue).Select(length => ManifestRun.Zeros((long)length * 8192))),
        (3, from length in Gen.Choose(1, 1 << 20)
            from pack in Gen.Choose(0, packs - 1)
            from record in Gen.Choose(0, int.MaxValue)
            from offset in Gen.Choose(104, 1 << 29)
            from stored in Gen.Choose(17, 1 << 20)
            from slice in Gen.Choose(0, 1 << 20)
            select new ManifestRun(length, pack, record, offset, stored, slice)));

    static Gen<ManifestEntry> Entries(int packs) =>
        from path in Paths
        from kind in Gen.Elements(ManifestEntryKind.Directory, ManifestEntryKind.File, ManifestEntryKind.Link)
        from mode in Gen.Choose(0, 0xFFF)
        from seconds in Gen.Choose(0, int.MaxValue)
        from runs in Runs(packs).ListOf()
        let content = kind == ManifestEntryKind.File ? runs : []
        select new ManifestEntry
        {
            Path = path,
            Kind = kind,
            Mode = mode,
            Modified = DateTimeOffset.UnixEpoch.AddSeconds(seconds).AddMicroseconds(seconds % 1_000_000),
            Target = kind == ManifestEntryKind.Link ? "/srv/" + path : null,
            Size = content.Sum(run => run.Length),
            Runs = [.. content],
        };

    [Fact]
    public void Whatever_is_written_is_read_back() =>
        Gens.Holds(
            from packs in Gen.Choose(1, 5)
            from entries in Entries(packs).ListOf()
            select (packs, entries),
            sample =>
            {
                var packs = Enumerable.Range(0, sample.packs).Select(i => new ManifestPack(i, "20261121T031500Z", i + 7, 1L << 31, Sha256) { Salt = i % 2 == 0 ? Sha256 : null }).ToList();
                var text = Write(packs, sample.entries);
                using var reader = new ManifestReader(new MemoryStream(text));
                Assert.Equal(Header, reader.Header);
                var items = reader.ReadAll().ToList();
                Assert.Equal(packs, items.OfType<ManifestPack>());
                var entries = items.OfType<ManifestEntry>().ToList();
                Assert.Equal(sample.entries.Count, entries.Count);
                foreach (var (expected, actual) in sample.entries.Zip(entries))
                {
                    Assert.Equal(expected with { Runs = actual.Runs }, actual);
                    Assert.Equal(expected.Runs, actual.Runs);
                }

                Assert.Null(reader.ReadNext());
            },
            runs: 200);

    [Fact]
    public void What_a_file_system_knows_is_read_back()
    {
        var metadata = new FileMetadata
        {
            ModifiedSeconds = -1, ModifiedNanoseconds = 999_999_999, ChangedSeconds = 1_700_000_000, ChangedNanoseconds = 1, Inode = ulong.MaxValue, Owner = uint.MaxValue, Group = 7,
            OwnerName = "root", Attributes = [new FileAttribute("user.\\xff", [0, 255])],
        };
        ManifestEntry[] written =
        [
            new() { Path = "caf\\xe9", Kind = ManifestEntryKind.File, Metadata = metadata, Modified = DateTimeOffset.UnixEpoch.AddTicks(-1) },
            new() { Path = "pipe", Kind = ManifestEntryKind.Special, Metadata = metadata with { Special = FileMetadata.BlockDevice, DeviceMajor = 259, DeviceMinor = 65_536 }, Modified = DateTimeOffset.UnixEpoch.AddTicks(-1) },
            new() { Path = "further", Kind = ManifestEntryKind.HardLink, Target = "caf\\xe9", Metadata = metadata, Modified = DateTimeOffset.UnixEpoch.AddTicks(-1) },
        ];
        using var reader = new ManifestReader(new MemoryStream(Write([], written)));
        foreach (var (expected, actual) in written.Zip(reader.ReadAll().OfType<ManifestEntry>()))
        {
            Assert.Equal("user.\\xff", actual.Metadata!.Attributes[0].Name);
            Assert.Equal([0, 255], actual.Metadata.Attributes[0].Value);
            Assert.Equal(expected with { Runs = actual.Runs, Metadata = expected.Metadata! with { Attributes = actual.Metadata.Attributes } }, actual);
        }
    }

    [Fact]
    public void A_line_longer_than_every_buffer_is_read()
    {
        var runs = Enumerable.Range(0, 100_000).Select(i => new ManifestRun(8192, 0, i, 104 + (i * 20L), 20, 0)).ToArray();
        var entry = new ManifestEntry { Path = "base/5/16384", Kind = ManifestEntryKind.File, Size = 8192L * runs.Length, Runs = runs };
        var text = Write([new ManifestPack(0, "20261121T031500Z", 0, 104 + (runs.Length * 20L), Sha256)], [entry]);
        Assert.True(text.Length > 2_000_000);
        using var reader = new ManifestReader(new Trickle(text));
        Assert.Equal(runs, reader.ReadAll().OfType<ManifestEntry>().Single().Runs);
    }

    [Fact]
    public void Members_a_later_version_added_are_ignored()
    {
        var text = Encoding.UTF8.GetString(Write([], [Directory("base")])).Replace("\"path\"", "\"acl\":{\"a\":[1,{}]},\"path\"", StringComparison.Ordinal);
        using var reader = new ManifestReader(new MemoryStream(Encoding.UTF8.GetBytes(text)));
        Assert.Single(reader.ReadAll());
    }

    [Fact]
    public void A_newer_format_or_line_type_is_refused_as_such()
    {
        var text = Encoding.UTF8.GetString(Write([], [Directory("base")]));
        Assert.Throws<UnsupportedFormatException>(() => ReadAll(text.Replace("\"format\":1", "\"format\":2", StringComparison.Ordinal)));
        Assert.Contains(
            "fifo",
            Assert.Throws<UnsupportedFormatException>(() => ReadAll(text.Replace("\"directory\"", "\"fifo\"", StringComparison.Ordinal))).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"type":"file","path":"a","mode":"600","modified":"2026-11-21T03:15:00Z","size":5,"runs":[[4]]}""", "add up")]
    [InlineData("""{"type":"file","path":"a","mode":"600","modified":"2026-11-21T03:15:00Z","size":5,"runs":[[5],[1]]}""", "add up")]
    [InlineData("""{"type":"file","path":"a","mode":"600","modified":"2026-11-21T03:15:00Z","size":0,"runs":[[0]]}""", "add up")]
    [InlineData("""{"type":"file","path":"a","mode":"600","modified":"2026-11-21T03:15:00Z","size":5,"runs":[[-5],[10]]}""", "add up")]
    [InlineData("""{"type":"file","path":"a","mode":"600","modified":"2026-11-21T03:15:00Z","size":-1,"runs":[]}""", "size")]
    [InlineData("""{"type":"file","path":"a","mode":"600","modified":"2026-11-21T03:15:00Z","size":5}""", "runs is missing")]
    [InlineData("""{"type":"file","path":"a","mode":"600","modified":"2026-11-21T03:15:00Z","size":5,"runs":[[5,0,0,104,20,0]]}""", "pack 0, which is not")]
    [InlineData("""{"type":"file","path":"a","mode":"600","modified":"2026-11-21T03:15:00Z","size":5,"runs":[[5,0,0,103,20,0]]}""", "outside")]
    [InlineData("""{"type":"file","path":"a","mode":"600","modified":"2026-11-21T03:15:00Z","size":5,"runs":[[5,0,0,104,16,0]]}""", "outside")]
    [InlineData("""{"type":"file","path":"a","mode":"600","modified":"2026-11-21T03:15:00Z","size":5,"runs":[[5,-1,0,104,20,0]]}""", "out of range")]
    [InlineData("""{"type":"file","path":"a","mode":"600","modified":"2026-11-21T03:15:00Z","size":5,"runs":[[5,0,0,104,20,67108863]]}""", "outside")]
    [InlineData("""{"type":"file","path":"a","mode":"600","modified":"2026-11-21T03:15:00Z","size":5,"runs":[[5,0]]}""", "neither one nor six")]
    [InlineData("""{"type":"file","path":"a","mode":"600","modified":"2026-11-21T03:15:00Z","size":5,"runs":[[5,0,0,104,20,0,0]]}""", "neither one nor six")]
    [InlineData("""{"type":"file","path":"a","mode":"888","modified":"2026-11-21T03:15:00Z","size":0,"runs":[]}""", "octal")]
    [InlineData("""{"type":"file","path":"a","mode":"17777","modified":"2026-11-21T03:15:00Z","size":0,"runs":[]}""", "mode")]
    [InlineData("""{"type":"file","path":"a","mode":"600","modified":"2026-11-21 03:15:00","size":0,"runs":[]}""", "time")]
    [InlineData("""{"type":"file","path":"../a","mode":"600","modified":"2026-11-21T03:15:00Z","size":0,"runs":[]}""", "..")]
    [InlineData("""{"type":"file","path":"a\u0000","mode":"600","modified":"2026-11-21T03:15:00Z","size":0,"runs":[]}""", "control")]
    [InlineData("""{"type":"file","path":"a\ud800","mode":"600","modified":"2026-11-21T03:15:00Z","size":0,"runs":[]}""", "line 2")]
    [InlineData("""{"type":"link","path":"a","mode":"777","modified":"2026-11-21T03:15:00Z"}""", "target")]
    [InlineData("""{"type":"link","path":"a","mode":"777","modified":"2026-11-21T03:15:00Z","target":""}""", "target")]
    [InlineData("""{"type":"header","format":1}""", "expected a pack")]
    [InlineData("""{"path":"a"}""", "expected a pack")]
    [InlineData("""["type","file"]""", "JSON object")]
    [InlineData("""{"type":"pack","index":0,"backup-id":"b","number":0,"size":103,"sha256":"x"}""", "size")]
    [InlineData("""{"type":"pack","index":0,"backup-id":"b","number":0,"size":104,"sha256":"x"}""", "sha256")]
    [InlineData("", "line 2")]
    public void A_wrong_line_is_refused_and_named(string line, string named)
    {
        var text = Encoding.UTF8.GetString(Write([], [Directory("base")]))
            .Replace("""{"type":"directory","path":"base","mode":"700","modified":"2026-11-21T03:15:00Z"}""", line, StringComparison.Ordinal);
        Assert.Contains(named, Assert.Throws<DamagedObjectException>(() => ReadAll(text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Counts_and_the_end_line_are_checked()
    {
        var text = Encoding.UTF8.GetString(Write([], [Directory("base"), Directory("global")]));
        var lines = text.Split('\n')[..^1];
        Assert.Equal(4, lines.Length);
        static string Joined(params string[] lines) => string.Concat(lines.Select(line => line + "\n"));
        foreach (var wrong in new[]
        {
            "", Joined(lines[..3]), Joined(lines[0], lines[1], lines[3]), Joined([.. lines, lines[3]]), Joined([.. lines, ""]), text[..^1],
            Joined(lines[1..]), Joined(lines[0], lines[0], lines[1], lines[2], lines[3]),
        })
        {
            Assert.Throws<DamagedObjectException>(() => ReadAll(wrong));
        }
    }

    [Fact]
    public void Changed_manifests_give_only_declared_errors()
    {
        var file = new ManifestEntry
        {
            Path = "base/5/ü",
            Kind = ManifestEntryKind.File,
            Size = 20_000,
            Mode = 0x180,
            Modified = Samples.Time,
            Runs = [new(8192, 0, 0, 104, 100, 0), ManifestRun.Zeros(8192), new(3616, 0, 1, 204, 50, 10)],
        };
        var bytes = Write([new ManifestPack(0, "20261121T031500Z", 0, 300, Sha256)], [Directory("base"), file]);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Refusal.IsRefused(() => ReadAll(bytes));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        for (var length = 0; length < bytes.Length; length++)
        {
            Refusal.Required(() => ReadAll(bytes[..length]), $"first {length} bytes");
        }

        ReadAll(bytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/etc/passwd")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("../x")]
    [InlineData("a/../b")]
    [InlineData("a/..")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("a/./b")]
    [InlineData("a\0b")]
    [InlineData("a\nb")]
    [InlineData("a\u007fb")]
    [InlineData("a\u0085b")]
    public void Paths_that_could_leave_the_directory_are_refused(string path)
    {
        Assert.False(ManifestPath.IsValid(path));
        Assert.Throws<DamagedObjectException>(() => ManifestPath.Validate(path));
    }

    [Theory]
    [InlineData("PG_VERSION")]
    [InlineData("base/5/1259_vm")]
    [InlineData("...")]
    [InlineData("..a/b..")]
    [InlineData("a\\b")]
    [InlineData(" ")]
    [InlineData("🐘")]
    public void Every_other_path_is_allowed(string path) => ManifestPath.Validate(path);

    [Fact]
    public void Half_a_surrogate_pair_or_endless_text_is_no_path()
    {
        Assert.False(ManifestPath.IsValid("a\ud83d"));
        Assert.False(ManifestPath.IsValid("\udc18a"));
        Assert.False(ManifestPath.IsValid(new string('a', 4097)));
        Assert.True(ManifestPath.IsValid(new string('a', 4096)));
    }

    [Fact]
    public void An_allowed_path_stays_below_its_directory() =>
        Gens.Holds(Gens.Text("..", ".", "/", "a", "b/", "\0", "..."), path =>
            !ManifestPath.IsValid(path) || Path.GetFullPath(Path.Combine("/root", path)).StartsWith("/root/", StringComparison.Ordinal), runs: 5000);

    [Fact]
    public void Mistakes_of_the_writer_are_refused()
    {
        using var writer = new ManifestWriter(new MemoryStream());
        Assert.Throws<InvalidOperationException>(() => writer.WriteEntry(Directory("base")));
        writer.WriteHeader(Header);
        Assert.Throws<InvalidOperationException>(() => writer.WriteHeader(Header));
        Assert.Throws<DamagedObjectException>(() => writer.WriteEntry(Directory("../base")));
        Assert.Throws<ArgumentException>(() => writer.WriteEntry(Directory("base") with { Mode = -1 }));
        Assert.Throws<ArgumentException>(() => writer.WriteEntry(Directory("base") with { Kind = ManifestEntryKind.File, Size = 1 }));
        Assert.Throws<ArgumentException>(() => writer.WriteEntry(Directory("base") with { Size = 1, Runs = [ManifestRun.Zeros(1)] }));
        Assert.Throws<ArgumentException>(() => writer.WriteEntry(Directory("base") with { Target = "x" }));
        Assert.Throws<ArgumentException>(() => writer.WritePack(new ManifestPack(0, "b", 0, 200, "x")));
        Assert.Throws<ArgumentException>(() => writer.WritePack(new ManifestPack(0, "b", 0, 200, Sha256) { Salt = "x" }));
        writer.WritePack(new ManifestPack(0, "b", 0, 200, Sha256));
        Assert.Throws<ArgumentException>(() => writer.WritePack(new ManifestPack(0, "b", 0, 200, Sha256)));
        writer.WriteEntry(Directory("f") with { Kind = ManifestEntryKind.File, Size = 1, Runs = [new ManifestRun(1, 0, 0, 104, 97, 0)] });
        Assert.Throws<ArgumentException>(writer.Complete);
    }

    internal static byte[] Write(IEnumerable<ManifestPack> packs, IEnumerable<ManifestEntry> entries)
    {
        var memory = new MemoryStream();
        using var writer = new ManifestWriter(memory);
        writer.WriteHeader(Header);
        foreach (var pack in packs)
        {
            writer.WritePack(pack);
        }

        foreach (var entry in entries)
        {
            writer.WriteEntry(entry);
        }

        writer.Complete();
        return memory.ToArray();
    }

    internal static ManifestEntry Directory(string path) =>
        new() { Path = path, Kind = ManifestEntryKind.Directory, Mode = 0x1C0, Modified = Samples.Time };

    static void ReadAll(string text) => ReadAll(Encoding.UTF8.GetBytes(text));

    static void ReadAll(byte[] text)
    {
        using var reader = new ManifestReader(new MemoryStream(text));
        foreach (var item in reader.ReadAll())
        {
            Assert.True(item is ManifestEntry or ManifestPack);
        }
    }

    /// <summary>Gives at most 1000 bytes at a time, as a network does.</summary>
    sealed class Trickle(byte[] bytes) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, 1000));
    }
}
