namespace Pitr.Operations.Backup;

/// <summary>A way to read the files of a running cluster while the server knows of it.</summary>
interface IClusterSource
{
    /// <summary>Reads everything into the assembly, whose manifest it begins and whose base it lets be chosen.</summary>
    /// <param name="target">What becomes of it.</param>
    /// <param name="cancellation">Ends the work.</param>
    Task ReadAsync(BackupTarget target, CancellationToken cancellation);

    /// <summary>Finds out where the backup lies in the WAL, after everything is stored.</summary>
    Task<BackupPositions> FindPositionsAsync(CancellationToken cancellation);
}
