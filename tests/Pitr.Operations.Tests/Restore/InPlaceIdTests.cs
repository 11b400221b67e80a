using Pitr.Operations.Restore.InPlace;

namespace Pitr.Operations.Tests.Restore;

/// <summary>Two restores in place within one second do not share the name aside.</summary>
public sealed class InPlaceIdTests : IDisposable
{
    readonly string _root = Directory.CreateTempSubdirectory("pitr-in-place-id-").FullName;

    [Theory]
    [InlineData("before")]
    [InlineData("failed")]
    public void An_id_that_a_name_aside_has_is_not_taken_again(string word)
    {
        var data = Path.Combine(_root, "data");
        var now = new DateTimeOffset(2026, 11, 22, 12, 0, 0, 500, TimeSpan.Zero);
        Assert.Equal("20261122T120000Z", ClusterSwap.FreeId(data, now));
        Directory.CreateDirectory($"{data}.{word}-20261122T120000Z");
        Directory.CreateDirectory($"{data}.{word}-20261122T120001Z");

        Assert.Equal("20261122T120002Z", ClusterSwap.FreeId(data, now));
        Assert.Equal("20261122T120000Z", ClusterSwap.FreeId(Path.Combine(_root, "other"), now));
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
