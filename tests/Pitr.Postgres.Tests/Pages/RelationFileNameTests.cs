using Pitr.Postgres.Pages;

namespace Pitr.Postgres.Tests.Pages;

public class RelationFileNameTests
{
    [Theory]
    [InlineData("base/5/16384", "base/5", 5, 16384, RelationFork.Main, 0, false)]
    [InlineData("base/5/16384.1", "base/5", 5, 16384, RelationFork.Main, 1, false)]
    [InlineData("base/16390/2619_fsm", "base/16390", 16390, 2619, RelationFork.FreeSpaceMap, 0, false)]
    [InlineData("base/5/16384_vm.12", "base/5", 5, 16384, RelationFork.VisibilityMap, 12, false)]
    [InlineData("base/5/16384_init", "base/5", 5, 16384, RelationFork.Initial, 0, false)]
    [InlineData("global/1262", "global", 0, 1262, RelationFork.Main, 0, false)]
    [InlineData("pg_tblspc/16385/PG_15_202209061/5/16390.2", "pg_tblspc/16385/PG_15_202209061/5", 5, 16390, RelationFork.Main, 2, false)]
    [InlineData("base/5/t3_16400", "base/5", 5, 16400, RelationFork.Main, 0, true)]
    [InlineData("base/5/t3_16400_fsm.1", "base/5", 5, 16400, RelationFork.FreeSpaceMap, 1, true)]
    public void A_relations_file_is_known_by_its_path(string path, string directory, uint database, uint number, RelationFork fork, int part, bool temporary)
    {
        Assert.True(RelationFileName.TryParse(path, out var name));
        Assert.Equal(new RelationFileName(directory, database, number, fork, part, temporary), name);
    }

    [Theory]
    [InlineData("16384")]
    [InlineData("base/5/PG_VERSION")]
    [InlineData("base/5/pg_filenode.map")]
    [InlineData("base/5/16384_xyz")]
    [InlineData("base/5/16384.")]
    [InlineData("base/5/16384.0")]
    [InlineData("base/5/16384.x")]
    [InlineData("base/5/t_16384")]
    [InlineData("base/5/t3")]
    [InlineData("base/5/99999999999")]
    [InlineData("base/x/16384")]
    [InlineData("base/16384")]
    [InlineData("pg_xact/0000")]
    [InlineData("pg_tblspc/16385/5/16390")]
    [InlineData("pg_tblspc/x/PG_15_202209061/5/16390")]
    [InlineData("pg_tblspc/16385/other/5/16390")]
    [InlineData("global/pg_control")]
    [InlineData("pg_multixact/members/0000")]
    public void Other_files_are_not(string path) => Assert.False(RelationFileName.TryParse(path, out _));
}
