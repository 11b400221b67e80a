using Pitr.Format;
using Pitr.Format.Manifests;

namespace Pitr.Operations.Restore;

/// <summary>One pack and everything that is taken out of it.</summary>
sealed class RestorePack(int index)
{
    readonly List<RestoreRun> _runs = [];
    ManifestPack? _pack;

    /// <summary>What goes where, in the order of the manifest.</summary>
    public IReadOnlyList<RestoreRun> Runs => _runs;

    /// <summary>Which object it is.</summary>
    /// <exception cref="DamagedObjectException">The manifest uses the pack and does not describe it.</exception>
    public ManifestPack Pack => _pack ?? throw new DamagedObjectException($"pack {index} is used and not in the manifest's pack table");

    /// <summary>Takes the pack's line of the manifest.</summary>
    public void Describe(ManifestPack pack) => _pack = pack;

    /// <summary>Adds a run.</summary>
    public void Add(RestoreRun run) => _runs.Add(run);
}
