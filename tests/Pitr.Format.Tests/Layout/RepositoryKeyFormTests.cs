using Pitr.Format.Layout;
using Xunit;

namespace Pitr.Format.Tests.Layout;

public class RepositoryKeyFormTests
{
    const string Id = "000102030405060708090a0b0c0d0e0f";

    [Theory]
    [InlineData("repository.json")]
    [InlineData($"keys/{Id}.json")]
    [InlineData("services/main/service.json")]
    [InlineData("services/main/wal/00000001/00000000/000000010000000000000007")]
    [InlineData("services/main/packs/20261121T031500Z/000000")]
    [InlineData("services/main/backups/20261121T031500Z/manifest")]
    [InlineData("services/main/backups/20261121T031500Z/backup.json")]
    [InlineData("services/main/dumps/20261121T031500Z/all/of/it")]
    [InlineData("services/main/drills/20261121T100036Z.json")]
    [InlineData("services/main/drills/20261121T100036Z-3f2a.json")]
    [InlineData("services/main/drills/20261121T100036.042Z-3f2a.json")]
    [InlineData("services/main/locks/backup.json")]
    [InlineData("services/main/audit/20261121T031500.123Z-9f3c01aa.json")]
    [InlineData("services/main/audit/20261121T031500.123Z-9f3c01aa9f3c01aa.json")]
    [InlineData("services/main/audit/20261121T031500.123Z-9f3c01aa9f3c01aa.began.json")]
    [InlineData("audit/20261121T031500.123Z-9f3c01aa9f3c01aa.began.json")]
    public void Keys_as_they_are_given_are_exact(string key) => Assert.True(RepositoryKeyForm.IsExact(key, RepositoryKey.Parse(key)));

    [Theory]
    [InlineData("something")]
    [InlineData("services/main/packs/20261121T031500Z/0")]
    [InlineData("services/main/packs/20261121T031500Z/00000a")]
    [InlineData("services/main/packs/20261121T031500Z/more/000000")]
    [InlineData("services/main/drills/.json")]
    [InlineData("services/main/drills/20261121T100036Z-3f2.json")]
    [InlineData("services/main/drills/20261121T100036Z-3F2A.json")]
    [InlineData("services/main/locks/.json")]
    [InlineData("services/main/locks/backup")]
    [InlineData("services/main/locks/old/backup.json")]
    [InlineData("services/main/audit/.json")]
    [InlineData("services/main/audit/.began.json")]
    [InlineData("services/main/audit/20261121T031500Z-9f3c01aa9f3c01aa.json")]
    [InlineData("services/main/audit/20261321T031500.123Z-9f3c01aa9f3c01aa.json")]
    [InlineData("services/main/audit/20261121T031500.123Z-9f3c01aa9f3c.json")]
    [InlineData("audit/20261121T031500.123Z.json")]
    public void Others_are_not(string key) => Assert.False(RepositoryKeyForm.IsExact(key, RepositoryKey.Parse(key)));
}
