using Pitr.Format.Keys;
using Pitr.Format.Wal;

namespace Pitr.Operations.Backup;

/// <summary>What a source reads into.</summary>
/// <param name="assembly">Takes the entries.</param>
/// <param name="manifest">Takes the sealed manifest.</param>
/// <param name="plain">Takes it as it is; null for nobody.</param>
/// <param name="key">Seals it.</param>
/// <param name="findBases">Chooses what pages are compared with, now that the server is in backup mode.</param>
sealed class BackupTarget(BackupAssembly assembly, Stream manifest, Stream? plain, DataKey key, Func<Lsn, Timeline, CancellationToken, Task<BackupBases>> findBases)
{
    /// <summary>Takes the entries, from <see cref="BeginAsync"/> on.</summary>
    public BackupAssembly Assembly => assembly;

    /// <summary>The server is in backup mode.</summary>
    /// <param name="start">Where replay begins.</param>
    /// <param name="timeline">On which timeline.</param>
    /// <param name="cancellation">Ends the search for what it is compared with.</param>
    public async Task BeginAsync(Lsn start, Timeline timeline, CancellationToken cancellation)
    {
        (assembly.Basis, assembly.Interrupted) = await findBases(start, timeline, cancellation);
        assembly.Begin(manifest, plain, key, start, timeline);
    }
}
