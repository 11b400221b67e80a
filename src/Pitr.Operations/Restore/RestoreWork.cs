using System.Collections.Concurrent;

namespace Pitr.Operations.Restore;

/// <summary>What a manifest asks for, turned round: per pack, which record goes where.</summary>
sealed class RestoreWork
{
    /// <summary>By index of the manifest's pack table.</summary>
    public ConcurrentDictionary<int, RestorePack> Packs { get; } = [];

    /// <summary>The pack with this index.</summary>
    public RestorePack Pack(int index) => Packs.GetOrAdd(index, i => new RestorePack(i));
}
