namespace Pitr.ArchiveCommand.Tests;

public class RecoveryHelperTests
{
    [Fact]
    public void Its_socket_has_the_name_that_pitr_gives_it() =>
        // The same value stands in the tests of pitr.
        Assert.Equal("\0pitr-recovery-1-26-700a984870b6f070", RecoveryHelper.SocketName(
            CommandLine.Parse(["get", "main", "000000010000000000000001", "pg_wal/RECOVERYXLOG", "--config", "/etc/p.yaml", "--repository", "a,b"]), "/data/pg_wal/RECOVERYXLOG", userId: 26));
}
