using FsCheck;
using FsCheck.Fluent;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Wal;

namespace Pitr.Format.Tests.Layout;

public class RepositoryLayoutTests
{
    static Gen<WalFileName> Files =>
        from timeline in Gens.Timeline
        from log in Gens.UInt32
        from segment in Gens.UInt32
        from offset in Gens.UInt32
        from kind in Gen.Elements(Enum.GetValues<WalFileKind>())
        let name = new WalSegmentName(timeline, log, segment)
        select kind switch
        {
            WalFileKind.Segment => WalFileName.ForSegment(name),
            WalFileKind.Partial => WalFileName.ForPartial(name),
            WalFileKind.BackupHistory => WalFileName.ForBackupHistory(name, offset),
            _ => WalFileName.ForHistory(timeline),
        };

    [Fact]
    public void Keys_are_those_of_the_document()
    {
        var key = DataKeyId.Parse("000102030405060708090a0b0c0d0e0f");
        Assert.Equal("repository.json", RepositoryLayout.Repository);
        Assert.Equal("keys/000102030405060708090a0b0c0d0e0f.json", RepositoryLayout.DataKey(key));
        Assert.Equal("services/main/keys/000102030405060708090a0b0c0d0e0f.json", RepositoryLayout.ServiceDataKey(Samples.Service, key));
        Assert.Equal("services/main/service.json", RepositoryLayout.ServiceDocument(Samples.Service));
        Assert.Equal("services/main/wal/00000001/00000000/0000000100000000000000A1", Wal("0000000100000000000000A1"));
        Assert.Equal("services/main/wal/00000001/0000002F/000000010000002F000000A1.partial", Wal("000000010000002F000000A1.partial"));
        Assert.Equal("services/main/wal/00000001/00000000/000000010000000000000002.00000028.backup", Wal("000000010000000000000002.00000028.backup"));
        Assert.Equal("services/main/wal/00000002.history", Wal("00000002.history"));
        Assert.Equal(
            "services/main/wal/00000001/0000002F/000000010000002F000000A1.parts/00001000-00FFFFFF",
            RepositoryLayout.WalPiece(Samples.Service, new WalPieceName(WalSegmentName.Parse("000000010000002F000000A1"), 0x1000, 0xFFFFFF)));
        Assert.Equal("services/main/wal/00000001/0000002F/", RepositoryLayout.WalLogPrefix(Samples.Service, new Timeline(1), 0x2F));
        Assert.Equal("services/main/backups/20261121T031500Z/backup.json", RepositoryLayout.Backup(Samples.Service, Samples.Backup));
        Assert.Equal("services/main/backups/20261121T031500Z/manifest", RepositoryLayout.Manifest(Samples.Service, Samples.Backup));
        Assert.Equal("services/main/packs/20261121T031500Z/000042", RepositoryLayout.Pack(Samples.Service, Samples.Backup, 42));
        Assert.Equal("services/main/drills/20261121T040000Z.json", RepositoryLayout.DrillReport(Samples.Service, "20261121T040000Z"));
        Assert.Equal("services/main/locks/backup.json", RepositoryLayout.Lock(Samples.Service, "backup"));
    }

    [Fact]
    public void Every_piece_is_found_by_its_key_again()
    {
        var pieces =
            from timeline in Gens.Timeline
            from log in Gens.UInt32
            from segment in Gens.UInt32
            from size in Gen.Choose(1, 1 << 20)
            from begin in Gen.Choose(0, (1 << 30) - (1 << 20))
            select new WalPieceName(new WalSegmentName(timeline, log, segment), (uint)begin, (uint)(begin + size));
        Gens.Holds(pieces, piece => RepositoryLayout.TryParseWalPiece(RepositoryLayout.WalPiece(Samples.Service, piece), out var service, out var found)
            && service == Samples.Service && found == piece
            && !RepositoryLayout.TryParseWal(RepositoryLayout.WalPiece(Samples.Service, piece), out _, out _)
            && RepositoryLayout.WalPiece(Samples.Service, piece).StartsWith(RepositoryLayout.WalPiecesPrefix(Samples.Service, piece.Segment), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("services/main/wal/00000001/00000000/0000000100000000000000A1.parts/00001000-00001000")]
    [InlineData("services/main/wal/00000001/00000000/0000000100000000000000A1.parts/00002000-00001000")]
    [InlineData("services/main/wal/00000001/00000000/0000000100000000000000A1.parts/00001000-0000200a")]
    [InlineData("services/main/wal/00000001/00000000/0000000100000000000000A1.parts/00001000-40000001")]
    [InlineData("services/main/wal/00000001/00000000/0000000100000000000000A1.parts/00001000")]
    [InlineData("services/main/wal/00000001/00000001/0000000100000000000000A1.parts/00001000-00002000")]
    [InlineData("services/main/wal/00000001/00000000/0000000100000000000000A1.parts/x/00001000-00002000")]
    [InlineData("services/main/0000000100000000000000A1.parts/00001000-00002000")]
    [InlineData("0000000100000000000000A1.parts/00001000-00002000")]
    [InlineData("")]
    public void Nothing_else_is_taken_for_a_piece(string key) => Assert.False(RepositoryLayout.TryParseWalPiece(key, out _, out _));

    [Fact]
    public void Every_WAL_file_is_found_by_its_key_again() =>
        Gens.Holds(Files, file => RepositoryLayout.TryParseWal(RepositoryLayout.Wal(Samples.Service, file), out var service, out var found)
            && service == Samples.Service && found == file);

    [Theory]
    [InlineData("")]
    [InlineData("services/")]
    [InlineData("services/main")]
    [InlineData("services/main/wal/00000001/00000001/0000000100000000000000A1")]
    [InlineData("services/main/wal/00000002/00000000/0000000100000000000000A1")]
    [InlineData("services/main/wal/0000000100000000000000A1")]
    [InlineData("services/main/wal/00000002/00000002.history")]
    [InlineData("services/MAIN/wal/00000002.history")]
    [InlineData("services/../wal/00000002.history")]
    [InlineData("services/main/wal//00000002.history")]
    [InlineData("x/services/main/wal/00000002.history")]
    [InlineData("services/main/backups/00000002.history")]
    public void Nothing_else_is_taken_for_one(string key) => Assert.False(RepositoryLayout.TryParseWal(key, out _, out _));

    [Theory]
    [InlineData("a")]
    [InlineData("main")]
    [InlineData("0-._")]
    [InlineData("a..b")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void Service_names_within_the_rule(string text) => Assert.Equal(text, ServiceName.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("-a")]
    [InlineData(".a")]
    [InlineData("..")]
    [InlineData("_a")]
    [InlineData("Main")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("ä")]
    [InlineData("A")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void Service_names_outside_the_rule(string text)
    {
        Assert.False(ServiceName.TryParse(text, out _));
        Assert.Contains("lower-case", Assert.Throws<FormatException>(() => ServiceName.Parse(text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_service_name_that_was_never_set_is_no_key() => Assert.Throws<InvalidOperationException>(() => RepositoryLayout.WalPrefix(default));

    [Fact]
    public void Backup_ids_are_whole_seconds_in_UTC()
    {
        var id = new BackupId(new DateTimeOffset(2026, 11, 21, 5, 15, 0, 999, TimeSpan.FromHours(2)));
        Assert.Equal("20261121T031500Z", id.ToString());
        Assert.Equal(Samples.Backup, id);
        Assert.Equal(id, BackupId.Parse("20261121T031500Z"));
        Assert.True(id < new BackupId(Samples.Time.AddSeconds(1)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("20261121T031500")]
    [InlineData("20261121T031560Z")]
    [InlineData("20261321T031500Z")]
    [InlineData("2026-11-21T03:15:00Z")]
    [InlineData(" 20261121T031500Z")]
    public void Anything_else_is_no_backup_id(string text)
    {
        Assert.False(BackupId.TryParse(text, out _));
        Assert.Throws<FormatException>(() => BackupId.Parse(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData(".hidden")]
    [InlineData("a/b")]
    [InlineData("a\nb")]
    public void Free_names_cannot_leave_their_place(string name)
    {
        Assert.Throws<ArgumentException>(() => RepositoryLayout.Lock(Samples.Service, name));
        Assert.Throws<ArgumentException>(() => RepositoryLayout.DrillReport(Samples.Service, name));
    }

    [Fact]
    public void Packs_have_six_digits()
    {
        Assert.EndsWith("/999999", RepositoryLayout.Pack(Samples.Service, Samples.Backup, 999_999), StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => RepositoryLayout.Pack(Samples.Service, Samples.Backup, 1_000_000));
        Assert.Throws<ArgumentOutOfRangeException>(() => RepositoryLayout.Pack(Samples.Service, Samples.Backup, -1));
    }

    static string Wal(string file) => RepositoryLayout.Wal(Samples.Service, WalFileName.Parse(file));
}
