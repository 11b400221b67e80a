using System.Buffers.Binary;
using Pitr.Format.Wal;
using Pitr.Operations.Backup;
using Pitr.Postgres.Pages;

namespace Pitr.Operations.Tests.Backup;

/// <summary>What the visibility map of a table says about when its pages were marked.</summary>
public sealed class VisibilityMapTests
{
    const int PageSize = 8192;
    const int PerPage = 32672;
    const int PagesPerFile = 4;

    static byte[] Map(params ulong[] positions)
    {
        var map = new byte[positions.Length * PageSize];
        for (var page = 0; page < positions.Length; page++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(map.AsSpan(page * PageSize), (uint)(positions[page] >> 32));
            BinaryPrimitives.WriteUInt32LittleEndian(map.AsSpan((page * PageSize) + 4), (uint)positions[page]);
        }

        return map;
    }

    [Fact]
    public async Task Each_page_of_the_map_tells_about_its_blocks_in_whichever_file_they_are()
    {
        await using var scenario = await Scenario.StartAsync();
        await File.WriteAllBytesAsync(scenario["16384_vm"], Map(0x100, 0x7_0000_0200, 0, 0x300));
        await File.WriteAllBytesAsync(scenario["16384_vm.1"], Map(0x200));
        Assert.True(RelationFileName.TryParse("base/5/16384.3", out var relation));
        using var map = VisibilityMap.Of(scenario["16384.3"], relation, PageSize, PagesPerFile);

        Assert.False(map.MayHaveMarked(0, new Lsn(0x101)));
        Assert.True(map.MayHaveMarked(PerPage - 1, new Lsn(0x100)));
        Assert.True(map.MayHaveMarked(PerPage, new Lsn(0x7_0000_0200)));
        Assert.False(map.MayHaveMarked(PerPage, new Lsn(0x7_0000_0201)));
        Assert.False(map.MayHaveMarked(2 * PerPage, new Lsn(0)));
        Assert.True(map.MayHaveMarked(4 * PerPage, new Lsn(0x200)));
        Assert.False(map.MayHaveMarked(5 * PerPage, new Lsn(1)));
        Assert.False(map.MayHaveMarked(8 * PerPage, new Lsn(1)));
        Assert.True(map.MayHaveMarked(3 * PerPage, new Lsn(0x300)));
    }
}
