using System.Formats.Tar;
using System.Text;
using Pitr.Postgres.BaseBackup;

namespace Pitr.Postgres.Tests.BaseBackup;

public class BaseBackupTarReaderTests
{
    [Theory]
    [InlineData(TarEntryFormat.Ustar)]
    [InlineData(TarEntryFormat.Gnu)]
    [InlineData(TarEntryFormat.Pax)]
    [InlineData(TarEntryFormat.V7)]
    public async Task Reads_files_directories_and_links(TarEntryFormat format)
    {
        var modified = new DateTimeOffset(2026, 11, 21, 9, 10, 11, TimeSpan.Zero);
        var tar = new MemoryStream();
        await using (var writer = new TarWriter(tar, format, leaveOpen: true))
        {
            await writer.WriteEntryAsync(Entry(format, TarEntryType.Directory, "./pg_tblspc/", modified));
            var link = Entry(format, TarEntryType.SymbolicLink, "pg_tblspc/16400", modified);
            link.LinkName = "/mnt/far away";
            await writer.WriteEntryAsync(link);
            var file = Entry(format, format == TarEntryFormat.V7 ? TarEntryType.V7RegularFile : TarEntryType.RegularFile, "./base/1/1249", modified);
            file.DataStream = new MemoryStream(Encoding.ASCII.GetBytes(new string('x', 1000)));
            await writer.WriteEntryAsync(file);
            await writer.WriteEntryAsync(Entry(format, format == TarEntryFormat.V7 ? TarEntryType.V7RegularFile : TarEntryType.RegularFile, "empty", modified));
        }

        tar.Position = 0;
        var read = new List<(string, TarEntryKind, long, string?, int, DateTimeOffset, long)>();
        await foreach (var entry in new BaseBackupTarReader(new OneWayStream(tar)).ReadAsync())
        {
            var data = new MemoryStream();
            await entry.Data.CopyToAsync(data);
            read.Add((entry.Path, entry.Kind, entry.Size, entry.LinkTarget, entry.Mode, entry.Modified, data.Length));
        }

        Assert.Equal(
            [
                ("pg_tblspc", TarEntryKind.Directory, 0, null, 0x1A0, modified, 0),
                ("pg_tblspc/16400", TarEntryKind.Link, 0, "/mnt/far away", 0x1A0, modified, 0),
                ("base/1/1249", TarEntryKind.File, 1000, null, 0x1A0, modified, 1000),
                ("empty", TarEntryKind.File, 0, null, 0x1A0, modified, 0),
            ],
            read);
    }

    [Theory]
    [InlineData(TarEntryFormat.Gnu)]
    [InlineData(TarEntryFormat.Pax)]
    public async Task Reads_names_longer_than_the_header_has_room_for(TarEntryFormat format)
    {
        var name = string.Join('/', Enumerable.Repeat("a-directory-with-a-rather-long-name-und-Umlauten-äöü", 20));
        var tar = new MemoryStream();
        await using (var writer = new TarWriter(tar, format, leaveOpen: true))
        {
            await writer.WriteEntryAsync(Entry(format, TarEntryType.RegularFile, name, DateTimeOffset.UnixEpoch));
        }

        tar.Position = 0;
        Assert.Equal([name], await PathsAsync(new OneWayStream(tar)));
    }

    [Fact]
    public async Task Reads_sizes_above_8_GiB_as_PostgreSQL_writes_them()
    {
        const long size = 9L << 30;
        var source = new HugeFileTar("base/1/16384", size);

        var entries = new List<(string, long)>();
        await foreach (var entry in new BaseBackupTarReader(source).ReadAsync())
        {
            entries.Add((entry.Path, entry.Size));
        }

        Assert.Equal([("base/1/16384", size), ("after", 0)], entries);
        Assert.True(source.IsAtEnd);
    }

    [Fact]
    public async Task Skips_what_is_not_read_and_reads_the_source_to_its_end()
    {
        var tar = await TwoFilesAsync();
        tar.Position = tar.Length;
        tar.Write(new byte[1 << 20]);
        tar.Position = 0;

        Assert.Equal(["one", "two"], await PathsAsync(new OneWayStream(tar)));
        Assert.Equal(tar.Length, tar.Position);
    }

    [Fact]
    public async Task Refuses_every_truncation_within_an_entry()
    {
        var whole = (await TwoFilesAsync()).ToArray();
        for (var length = 1; length < 512 + 1024 + 512 + 2000; length++)
        {
            var cut = new OneWayStream(new MemoryStream(whole, 0, length));
            if (length == 1536)
            {
                // Exactly between two entries nothing can tell; pg_basebackup's exit code does.
                continue;
            }

            await Assert.ThrowsAsync<ServerException>(() => PathsAsync(cut));
        }
    }

    [Fact]
    public async Task Throws_nothing_else_on_any_damage()
    {
        var whole = (await TwoFilesAsync()).ToArray();
        var random = new Random(20261121);
        for (var round = 0; round < 5000; round++)
        {
            var damaged = (byte[])whole.Clone();
            for (var change = random.Next(1, 10); change > 0; change--)
            {
                var header = random.Next(2) == 0 ? 0 : 1536;
                damaged[header + random.Next(512)] = (byte)random.Next(256);
            }

            if (random.Next(2) == 0)
            {
                FixChecksum(damaged.AsSpan(0, 512));
                FixChecksum(damaged.AsSpan(1536, 512));
            }

            try
            {
                await PathsAsync(new OneWayStream(new MemoryStream(damaged)));
            }
            catch (ServerException)
            {
                // The one answer allowed besides acceptance.
            }
        }
    }

    static void FixChecksum(Span<byte> header)
    {
        header.Slice(148, 8).Fill((byte)' ');
        var sum = 0;
        foreach (var value in header)
        {
            sum += value;
        }

        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ", header.Slice(148, 8));
    }

    [Fact]
    public async Task Refuses_entries_no_base_backup_has()
    {
        var tar = new MemoryStream();
        await using (var writer = new TarWriter(tar, TarEntryFormat.Ustar, leaveOpen: true))
        {
            await writer.WriteEntryAsync(new UstarTarEntry(TarEntryType.Fifo, "pipe"));
        }

        tar.Position = 0;
        var error = await Assert.ThrowsAsync<ServerException>(() => PathsAsync(new OneWayStream(tar)));
        Assert.Contains("pipe", error.Message, StringComparison.Ordinal);
    }

    static System.Formats.Tar.TarEntry Entry(TarEntryFormat format, TarEntryType type, string name, DateTimeOffset modified)
    {
        System.Formats.Tar.TarEntry entry = format switch
        {
            TarEntryFormat.V7 => new V7TarEntry(type, name),
            TarEntryFormat.Gnu => new GnuTarEntry(type, name),
            TarEntryFormat.Pax => new PaxTarEntry(type, name),
            _ => new UstarTarEntry(type, name),
        };
        entry.Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        entry.ModificationTime = modified;
        return entry;
    }

    static async Task<MemoryStream> TwoFilesAsync()
    {
        var tar = new MemoryStream();
        await using (var writer = new TarWriter(tar, TarEntryFormat.Ustar, leaveOpen: true))
        {
            await writer.WriteEntryAsync(new UstarTarEntry(TarEntryType.RegularFile, "one") { DataStream = new MemoryStream(new byte[1000]) });
            await writer.WriteEntryAsync(new UstarTarEntry(TarEntryType.RegularFile, "two") { DataStream = new MemoryStream(new byte[2000]) });
        }

        tar.Position = 0;
        return tar;
    }

    static async Task<List<string>> PathsAsync(Stream source)
    {
        var paths = new List<string>();
        await foreach (var entry in new BaseBackupTarReader(source).ReadAsync())
        {
            paths.Add(entry.Path);
        }

        return paths;
    }
}
