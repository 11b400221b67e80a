using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Format.Wal;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Backup;

/// <summary>What becomes of everything that is read of a cluster, whoever reads it. Safe for several threads.</summary>
/// <param name="service">Whose cluster it is.</param>
/// <param name="id">The backup.</param>
/// <param name="facts">About the server.</param>
/// <param name="pipeline">Takes the records.</param>
sealed class BackupAssembly(ServiceName service, BackupId id, ServerFacts facts, PackPipeline pipeline) : ManifestAssembly(pipeline)
{
    const int MostDamageListed = 1000;

    readonly List<DamagedPage> _damage = [];
    int _damagedPages;

    /// <summary>About the server.</summary>
    public ServerFacts Facts => facts;

    /// <summary>The backup whose unchanged pages are not copied again; null to copy everything.</summary>
    public BackupBase? Basis { get; set; }

    /// <summary>What interrupted backups have left, looked at before the base; null when nothing.</summary>
    public InterruptedBackups? Interrupted { get; set; }

    /// <summary>What has changed since <see cref="Basis"/>, as the server says; null when the pages have to tell.</summary>
    public ChangedRelations? Changes { get; set; }

    /// <summary>Where replay of this backup begins: no page with a position from here on is trusted to be whole.</summary>
    public Lsn StartLsn { get; private set; }

    /// <summary>Begins the manifest, before any entry.</summary>
    /// <param name="destination">Takes the sealed manifest.</param>
    /// <param name="plain">Takes it as it is, for the next backup of this host; null for nobody.</param>
    /// <param name="key">Seals it.</param>
    /// <param name="start">Where replay begins.</param>
    /// <param name="timeline">On which timeline.</param>
    public void Begin(Stream destination, Stream? plain, DataKey key, Lsn start, Timeline timeline)
    {
        StartLsn = start;
        Begin(destination, plain, key, new ManifestHeader(
            1, service.ToString(), id.ToString(), facts.SystemIdentifier, timeline.Value, start, facts.PageSize, facts.DataChecksums ? 1u : 0u));
    }

    /// <inheritdoc/>
    public override void Use(ManifestRun run)
    {
        if (run.Pack >= InterruptedBackups.FirstIndex)
        {
            Interrupted!.Use(run);
        }
        else
        {
            Basis!.Use(run);
        }
    }

    /// <inheritdoc/>
    protected override IEnumerable<ManifestPack> OlderPackLines() => (Basis?.UsedPackLines() ?? []).Concat(Interrupted?.UsedPackLines() ?? []);

    /// <summary>Writes what is left of the manifest, after every record has found its place.</summary>
    public void Complete(IReadOnlyList<StoredPack> packs) => Complete(id.ToString(), packs);

    /// <summary>Remembers a page with a wrong checksum.</summary>
    public void Report(DamagedPage page)
    {
        Pipeline.Journal?.Damage(page.Path);
        lock (_damage)
        {
            _damagedPages++;
            if (_damage.Count < MostDamageListed)
            {
                _damage.Add(page);
            }
        }
    }

    /// <summary>Whether a page had a wrong checksum.</summary>
    public bool HasDamage => Volatile.Read(ref _damagedPages) > 0;

    /// <summary>Forgets what was reported: whoever read the pages knows that they are sound.</summary>
    public void DismissDamage()
    {
        lock (_damage)
        {
            _damagedPages = 0;
            _damage.Clear();
        }
    }

    /// <summary>What was read.</summary>
    public BackupContent ToContent(IReadOnlyList<StoredPack> packs, StoredObject manifest, string dataKey) => new(Bytes, Files, [.. packs.Select(p => p.Object)], manifest, dataKey)
    {
        ReusedBytes = ReusedBytes,
        OlderPacks = [.. Basis?.UsedPacks() ?? [], .. Interrupted?.UsedPacks() ?? []],
        Resumed = Interrupted?.Resumed() ?? [],
        Changes = Basis is null ? null : Changes is null ? "lsn" : "summaries",
        DamagedPages = _damagedPages,
        Damage = [.. _damage.OrderBy(page => page.Path, StringComparer.Ordinal).ThenBy(page => page.Block)],
    };
}
