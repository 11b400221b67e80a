using System.Text;
using System.Text.Json.Nodes;
using Pitr.Format.Catalog;
using Pitr.Format.Wal;

namespace Pitr.Format.Tests.Catalog;

public class DocumentTests
{
    internal static readonly RepositoryDocument Repository = new() { RepositoryId = "00112233445566778899aabbccddeeff", Created = Samples.Time };

    internal static readonly ServiceDocument Service = new()
    {
        Name = "main",
        Kind = "postgres",
        Created = Samples.Time,
        SystemIdentifiers = [new SystemIdentifierRecord("7312345678901234567", 150018, 16 << 20, Samples.Time.AddTicks(1_234_567))],
    };

    internal static readonly BackupDocument Backup = new()
    {
        Id = "20261121T031500Z",
        Service = "main",
        Method = "stream",
        Host = "db1",
        PitrVersion = "0.1.0",
        Started = Samples.Time,
        Finished = Samples.Time.AddMinutes(2),
        StopTime = Samples.Time.AddMinutes(1),
        Label = "pitr main 20261121T031500Z",
        StartLsn = Lsn.Parse("0/2000028"),
        StopLsn = Lsn.Parse("0/2000138"),
        StartWal = "000000010000000000000002",
        StopWal = "000000010000000000000002",
        Timeline = 1,
        SystemIdentifier = "7312345678901234567",
        PostgresVersion = 150018,
        WalSegmentSize = 16 << 20,
        PageSize = 8192,
        ChecksumVersion = 1,
        DatabaseBytes = 30_000_000,
        StoredBytes = 4_000_000,
        Files = 960,
        Manifest = new StoredObject("services/main/backups/20261121T031500Z/manifest", 1234, new string('b', 64)),
        Packs = [new StoredObject("services/main/packs/20261121T031500Z/000000", 3_998_766, new string('c', 64))],
        DataKeys = ["000102030405060708090a0b0c0d0e0f"],
        Settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["max_connections"] = "100" },
    };

    [Fact]
    public void Documents_survive_their_text()
    {
        Assert.Equal(Repository, RepositoryDocument.Parse(Repository.ToJson()));

        var service = ServiceDocument.Parse(Service.ToJson());
        Assert.Equal(Service with { SystemIdentifiers = service.SystemIdentifiers }, service);
        Assert.Equal(Service.SystemIdentifiers, service.SystemIdentifiers);

        var backup = BackupDocument.Parse(Backup.ToJson());
        Assert.Equal(Backup with { Packs = backup.Packs, DataKeys = backup.DataKeys, Settings = backup.Settings, OlderPacks = backup.OlderPacks, Damage = backup.Damage, Databases = backup.Databases, Resumed = backup.Resumed }, backup);
        Assert.Equal(Backup.Packs, backup.Packs);
        Assert.Equal(Backup.DataKeys, backup.DataKeys);
        Assert.Equal(Backup.Settings, backup.Settings);
        Assert.Equal("keep", BackupDocument.Parse((Backup with { Pinned = "keep" }).ToJson()).Pinned);
    }

    [Fact]
    public void Any_flipped_bit_of_a_document_is_found_by_its_digest()
    {
        foreach (var document in new[] { Repository.ToJson(), Service.ToJson(), Backup.ToJson() })
        {
            Assert.True(DocumentDigest.Require(document));
            for (var bit = 0; bit < document.Length * 8; bit++)
            {
                var changed = (byte[])document.Clone();
                changed[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.Throws<DamagedObjectException>(() => DocumentDigest.Require(changed));
            }
        }
    }

    [Fact]
    public void The_digest_is_over_everything_before_it_and_what_has_none_passes()
    {
        // printf '{\n  "format": 1' | sha256sum
        const string document = "{\n  \"format\": 1,\n  \"sha256\": \"d91614d24ff2c9fda96c00cd907e1446a702fc0633124cd318a149d0efa50833\"\n}";
        Assert.Equal(document, Encoding.UTF8.GetString(DocumentDigest.Append("{\n  \"format\": 1\n}"u8)));
        Assert.True(DocumentDigest.Require(Encoding.UTF8.GetBytes(document + "\n")));
        Assert.False(DocumentDigest.Require("{\n  \"format\": 1\n}\n"u8));
        Assert.Throws<DamagedObjectException>(() => DocumentDigest.Require("{\n  \"format\": 1\n"u8));
    }

    [Fact]
    public void Text_is_plain_to_read()
    {
        var json = JsonNode.Parse(Backup.ToJson())!;
        Assert.Equal("0/2000028", (string?)json["start-lsn"]);
        Assert.Equal("2026-11-21T03:15:00Z", (string?)json["started"]);
        Assert.Equal("7312345678901234567", (string?)json["system-identifier"]);
        Assert.Equal(150018, (int?)json["postgres-version"]);
        Assert.Equal("2026-11-21T03:15:00.1234567Z", (string?)JsonNode.Parse(Service.ToJson())!["system-identifiers"]![0]!["first-seen"]);
        Assert.EndsWith("}\n", Encoding.UTF8.GetString(Backup.ToJson()), StringComparison.Ordinal);
        Assert.DoesNotContain("pinned", Encoding.UTF8.GetString(Backup.ToJson()), StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_members_are_ignored_and_newer_formats_refused()
    {
        var json = JsonNode.Parse(Backup.ToJson())!;
        json["from-the-future"] = new JsonObject { ["x"] = 1 };
        BackupDocument.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()));
        json["format"] = 2;
        json["packs"] = "somewhere else";
        Assert.Contains(
            "format 2",
            Assert.Throws<UnsupportedFormatException>(() => BackupDocument.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void No_member_but_the_optional_ones_can_be_missing_or_null()
    {
        string[] optional = ["kind", "damaged-pages", "settings", "pinned", "older-packs", "damage", "databases", "base", "full-copy-reason", "resumed", "changes", "sha256"];
        foreach (var member in JsonNode.Parse(Backup.ToJson())!.AsObject().Select(pair => pair.Key).ToList())
        {
            var missing = JsonNode.Parse(Backup.ToJson())!.AsObject();
            missing.Remove(member);
            var isNull = JsonNode.Parse(Backup.ToJson())!.AsObject();
            isNull[member] = null;
            if (optional.Contains(member))
            {
                var document = BackupDocument.Parse(Encoding.UTF8.GetBytes(missing.ToJsonString()));
                Assert.NotNull(document.Kind);
                Assert.NotNull(document.Settings);
            }
            else
            {
                Assert.Throws<DamagedObjectException>(() => BackupDocument.Parse(Encoding.UTF8.GetBytes(missing.ToJsonString())));
                Assert.Throws<DamagedObjectException>(() => BackupDocument.Parse(Encoding.UTF8.GetBytes(isNull.ToJsonString())));
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"format\": 0}")]
    [InlineData("{\"format\": \"1\"}")]
    [InlineData("{\"format\": 1}")]
    [InlineData("{\"format\": 1, \"format\": 1, \"repository-id\": \"a\", \"created\": \"2026-11-21T03:15:00Z\"}")]
    [InlineData("{\"format\": 1, \"repository-id\": \"\", \"created\": \"2026-11-21T03:15:00Z\"}")]
    [InlineData("{\"format\": 1, \"repository-id\": \"a\", \"created\": \"2026-11-21T03:15:00\"}")]
    [InlineData("{\"format\": 1, \"repository-id\": \"a\", \"created\": 5}")]
    [InlineData("{\"format\": 1, \"repository-id\": \"\\ud800\", \"created\": \"2026-11-21T03:15:00Z\"}")]
    [InlineData("{\"format\": 1, \"repository-id\": \"a\", \"created\": \"2026-11-21T03:15:00Z\"} x")]
    public void Other_documents_are_refused(string text) =>
        Assert.Throws<DamagedObjectException>(() => RepositoryDocument.Parse(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Nulls_in_lists_are_refused()
    {
        foreach (var (member, value) in new[] { ("packs", "[null]"), ("data-keys", "[null]"), ("settings", "{\"a\":null}") })
        {
            var json = JsonNode.Parse(Backup.ToJson())!;
            json[member] = JsonNode.Parse(value);
            Assert.Throws<DamagedObjectException>(() => BackupDocument.Parse(Encoding.UTF8.GetBytes(json.ToJsonString())));
        }

        var service = JsonNode.Parse(Service.ToJson())!.AsObject();
        service["system-identifiers"] = JsonNode.Parse("[null]");
        Assert.Throws<DamagedObjectException>(() => ServiceDocument.Parse(Encoding.UTF8.GetBytes(service.ToJsonString())));
        service.Remove("system-identifiers");
        Assert.Empty(ServiceDocument.Parse(Encoding.UTF8.GetBytes(service.ToJsonString())).SystemIdentifiers);
    }

    [Fact]
    public void Changed_documents_give_only_declared_errors()
    {
        Mutate(Repository.ToJson(), bytes => RepositoryDocument.Parse(bytes));
        Mutate(Service.ToJson(), bytes => ServiceDocument.Parse(bytes));
        Mutate(Backup.ToJson(), bytes => BackupDocument.Parse(bytes));
    }

    static void Mutate(byte[] bytes, Action<byte[]> parse)
    {
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Refusal.IsRefused(() => parse(bytes));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        for (var length = 0; length < bytes.Length - 1; length++)
        {
            Refusal.Required(() => parse(bytes[..length]), $"first {length} bytes");
        }
    }
}
