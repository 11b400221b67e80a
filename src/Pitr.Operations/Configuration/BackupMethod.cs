namespace Pitr.Operations.Configuration;

/// <summary>How the files of a cluster are read for a base backup.</summary>
public enum BackupMethod
{
    /// <summary><c>pg_basebackup</c> writes a tar stream that is taken apart as it arrives; needs no access to the files.</summary>
    Stream,
}
