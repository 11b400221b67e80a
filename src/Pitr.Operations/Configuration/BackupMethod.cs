namespace Pitr.Operations.Configuration;

/// <summary>How the files of a cluster are read for a base backup.</summary>
public enum BackupMethod
{
    /// <summary><see cref="Direct"/> where the data directory is on this host and readable, else <see cref="Stream"/>.</summary>
    Auto,

    /// <summary>The files are read where they are, from the data directory and every tablespace, several at a time; on the database's host only.</summary>
    Direct,

    /// <summary><c>pg_basebackup</c> writes a tar stream that is taken apart as it arrives; needs no access to the files. One tablespace only.</summary>
    Stream,
}
