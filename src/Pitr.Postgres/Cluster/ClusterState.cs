namespace Pitr.Postgres.Cluster;

/// <summary>DBState of pg_control (PostgreSQL 15 src/include/catalog/pg_control.h); the numbers are those on disk.</summary>
public enum ClusterState
{
    Startup = 0,
    ShutDown = 1,
    ShutDownInRecovery = 2,
    ShuttingDown = 3,
    InCrashRecovery = 4,
    InArchiveRecovery = 5,
    InProduction = 6,
}
