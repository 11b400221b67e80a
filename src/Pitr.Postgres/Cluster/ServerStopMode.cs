namespace Pitr.Postgres.Cluster;

/// <summary>How a server is asked to stop ("Shutting Down the Server" in PostgreSQL's manual).</summary>
public enum ServerStopMode
{
    /// <summary>SIGTERM: waits until every client has gone.</summary>
    Smart,

    /// <summary>SIGINT: ends sessions, writes a checkpoint, lets the archiver finish.</summary>
    Fast,

    /// <summary>SIGQUIT: as a crash; the next start replays WAL.</summary>
    Immediate,
}
