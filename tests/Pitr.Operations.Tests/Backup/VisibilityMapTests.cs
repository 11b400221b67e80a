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

        Assert.Equal(new Lsn(0x100), map.LastMarked(0));
        Assert.Equal(new Lsn(0x100), map.LastMarked(PerPage - 1));
        Assert.Equal(new Lsn(0x7_0000_0200), map.LastMarked(PerPage));
        Assert.Equal(Lsn.Invalid, map.LastMarked(2 * PerPage));
        Assert.Equal(new Lsn(0x200), map.LastMarked(4 * PerPage));
        Assert.Equal(Lsn.Invalid, map.LastMarked(5 * PerPage));
        Assert.Equal(Lsn.Invalid, map.LastMarked(8 * PerPage));
        Assert.Equal(new Lsn(0x300), map.LastMarked(3 * PerPage));
    }
}
