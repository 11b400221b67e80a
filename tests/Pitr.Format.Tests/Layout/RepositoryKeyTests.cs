using Pitr.Format.Layout;
using Xunit;

namespace Pitr.Format.Tests.Layout;

public class RepositoryKeyTests
{
    const string Id = "000102030405060708090a0b0c0d0e0f";

    [Theory]
    [InlineData("repository.json", RepositoryKeyKind.Repository, null, null)]
    [InlineData($"keys/{Id}.json", RepositoryKeyKind.DataKey, null, null)]
    [InlineData("keys/other.json", RepositoryKeyKind.Other, null, null)]
    [InlineData("services/main/service.json", RepositoryKeyKind.Service, "main", null)]
    [InlineData($"services/main/keys/{Id}.json", RepositoryKeyKind.DataKey, "main", null)]
    [InlineData("services/main/wal/00000001/00000000/000000010000000000000007", RepositoryKeyKind.Wal, "main", null)]
    [InlineData("services/main/wal/00000002.history", RepositoryKeyKind.Wal, "main", null)]
    [InlineData("services/main/wal/00000001/00000000/000000010000000000000007.parts/00000000-00002000", RepositoryKeyKind.WalPiece, "main", null)]
    [InlineData("services/main/wal/00000001/00000001/000000010000000000000007", RepositoryKeyKind.Other, "main", null)]
    [InlineData("services/main/packs/20261121T031500Z/000000", RepositoryKeyKind.Pack, "main", "20261121T031500Z")]
    [InlineData("services/main/backups/20261121T031500Z/manifest", RepositoryKeyKind.Manifest, "main", "20261121T031500Z")]
    [InlineData("services/main/backups/20261121T031500Z/backup.json", RepositoryKeyKind.Backup, "main", "20261121T031500Z")]
    [InlineData("services/main/backups/20261121T031500Z/else", RepositoryKeyKind.Other, "main", null)]
    [InlineData("services/main/backups/never/backup.json", RepositoryKeyKind.Other, "main", null)]
    [InlineData("services/main/dumps/20261121T031500Z/all", RepositoryKeyKind.Dump, "main", "20261121T031500Z")]
    [InlineData("services/main/dumps/20261121T031500Z/000017", RepositoryKeyKind.Dump, "main", "20261121T031500Z")]
    [InlineData("services/main/dumps/20261121T031500Z/dump.json", RepositoryKeyKind.DumpEntry, "main", "20261121T031500Z")]
    [InlineData("services/main/dumps/20261121T031500Z/manifest", RepositoryKeyKind.DumpManifest, "main", "20261121T031500Z")]
    [InlineData("services/main/dumps/20261121T031500Z/SHA256SUMS", RepositoryKeyKind.DumpSums, "main", "20261121T031500Z")]
    [InlineData("services/main/dumps/20261121T031500Z/x/dump.json", RepositoryKeyKind.Dump, "main", "20261121T031500Z")]
    [InlineData("services/main/drills/20261121T100036Z.json", RepositoryKeyKind.Drill, "main", null)]
    [InlineData("services/main/locks/backup.json", RepositoryKeyKind.Lock, "main", null)]
    [InlineData("services/main/audit/20261121T031500.123Z-9f3c01aa9f3c01aa.json", RepositoryKeyKind.Audit, "main", null)]
    [InlineData("services/main/audit/20261121T031500.123Z-9f3c01aa9f3c01aa.began.json", RepositoryKeyKind.Audit, "main", null)]
    [InlineData("audit/20261121T031500.123Z-9f3c01aa9f3c01aa.json", RepositoryKeyKind.Audit, null, null)]
    [InlineData("audit/more/20261121T031500.123Z-9f3c01aa9f3c01aa.json", RepositoryKeyKind.Other, null, null)]
    [InlineData("audit/text", RepositoryKeyKind.Other, null, null)]
    [InlineData("services/main", RepositoryKeyKind.Other, null, null)]
    [InlineData("services/Main/service.json", RepositoryKeyKind.Other, null, null)]
    [InlineData("something", RepositoryKeyKind.Other, null, null)]
    public void A_key_says_what_it_is_for(string key, RepositoryKeyKind kind, string? service, string? backup)
    {
        var parsed = RepositoryKey.Parse(key);
        Assert.Equal(kind, parsed.Kind);
        Assert.Equal(service, parsed.Service?.Value);
        Assert.Equal(backup, parsed.Backup?.ToString());
    }
}
