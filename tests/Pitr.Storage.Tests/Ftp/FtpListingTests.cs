using Pitr.Storage.Ftp;

namespace Pitr.Storage.Tests.Ftp;

/// <summary>Lines of listings as servers write them.</summary>
public class FtpListingTests
{
    static readonly DateTimeOffset Now = new(2026, 11, 21, 10, 30, 0, TimeSpan.Zero);

    [Fact]
    public void Machine_listings_give_name_size_and_time()
    {
        var entry = MachineListing.Parse("modify=20261121103011;perm=adfrw;Size=16777216;TYPE=file;unique=1U2;UNIX.mode=0600;  a; b=c ");
        Assert.Equal(new FtpEntry(" a; b=c ", FtpEntryKind.File, 16777216, new DateTimeOffset(2026, 11, 21, 10, 30, 11, TimeSpan.Zero)), entry);
        Assert.Equal(FtpEntryKind.Directory, MachineListing.Parse("type=dir;modify=20261121103011; wal")!.Value.Kind);
        Assert.Equal(FtpEntryKind.Other, MachineListing.Parse("type=OS.unix=slink:/etc;modify=20261121103011; link")!.Value.Kind);
        Assert.Null(MachineListing.Parse("type=cdir; ."));
        Assert.Null(MachineListing.Parse("type=pdir; /above"));
        Assert.Equal(500, MachineListing.ParseTime("20261121103011.5")!.Value.Millisecond);
    }

    [Theory]
    [InlineData("")]
    [InlineData("name")]
    [InlineData("size=3;modify=20261121103011; a")]
    [InlineData("type=file;modify=20261121103011; a")]
    [InlineData("type=file;size=-3; a")]
    [InlineData("-rw------- 1 pitr pitr 3 Nov 21 10:30 a")]
    public void Other_lines_are_no_machine_listing(string line) => Assert.Throws<FormatException>(() => MachineListing.Parse(line));

    [Theory]
    [InlineData("-rw-------   1 pitr     pitr     16777216 Nov 21 10:30 a b", "a b", 16777216, "2026-11-21T10:30:00Z")]
    [InlineData("-rw-r--r--    1 1001     1001            0 Nov 21 23:30  leading", " leading", 0, "2026-11-21T23:30:00Z")]
    [InlineData("-rw-r--r--+ 1 ftp domain users 5 Dec  1 07:05 x", "x", 5, "2025-12-01T07:05:00Z")]
    [InlineData("-rwxr-xr-x 1 a b 123 Feb 29  2024 1 Jan 2020", "1 Jan 2020", 123, "2024-02-29T00:00:00Z")]
    public void Unix_listings_give_name_size_and_time(string line, string name, long size, string modified) =>
        Assert.Equal(new FtpEntry(name, FtpEntryKind.File, size, DateTimeOffset.Parse(modified)), UnixListing.Parse(line, Now));

    [Fact]
    public void Unix_listings_tell_directories_links_and_totals()
    {
        Assert.Null(UnixListing.Parse("total 12", Now));
        Assert.Equal(FtpEntryKind.Directory, UnixListing.Parse("drwx------ 2 a b 4096 Nov 21 10:30 .", Now)!.Value.Kind);
        Assert.Equal(FtpEntryKind.Other, UnixListing.Parse("lrwxrwxrwx 1 a b 4 Nov 21 10:30 x -> /etc", Now)!.Value.Kind);
    }

    [Theory]
    [InlineData("11-21-26  10:30AM       <DIR>          wal")]
    [InlineData("-rw------- 1 a b 3 Nev 21 10:30 a")]
    [InlineData("-rw------- 1 a b 3 Nov 41 10:30 a")]
    [InlineData("-rw------- 1 a b 3 Nov 21 30:30 a")]
    [InlineData("Permission denied")]
    public void Other_lines_are_no_unix_listing(string line) => Assert.Throws<FormatException>(() => UnixListing.Parse(line, Now));
}
