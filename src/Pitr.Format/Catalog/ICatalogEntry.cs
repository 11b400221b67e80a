using System.Globalization;
using Pitr.Format.Wal;

namespace Pitr.Format.Catalog;

/// <summary>What the catalog entries of base backups and of dumps have in common: what retention has to know of a backup.</summary>
public interface ICatalogEntry
{
    /// <summary>Backup id, e.g. 20261121T031500Z.</summary>
    string Id { get; }

    /// <summary>Name of the service.</summary>
    string Service { get; }

    /// <summary>When it ended: of a base backup, the earliest moment it can be brought to.</summary>
    DateTimeOffset StopTime { get; }

    /// <summary>Whether everything was read as it should be.</summary>
    bool IsSound { get; }

    /// <summary>Why retention must leave it alone; null if it may not.</summary>
    string? Pinned { get; }

    /// <summary>When that ends; null: never.</summary>
    DateTimeOffset? PinnedUntil { get; }

    /// <summary>Ids of all data keys needed to restore it.</summary>
    IReadOnlyList<string> DataKeys { get; }

    /// <summary>Where it stands in the history of what it is of: the cluster, the timeline, and how far on it. Of a dump nothing tells that: empty and zeros.</summary>
    (string Cluster, uint Timeline, Lsn Position) Place { get; }

    /// <summary>The same entry with another pin, or none.</summary>
    ICatalogEntry WithPin(string? reason, DateTimeOffset? until);

    /// <summary>The document.</summary>
    byte[] ToJson();

    /// <summary>Why retention must leave it alone at a moment, in words; null if it may not.</summary>
    string? PinAt(DateTimeOffset now) => Pinned is null || PinnedUntil <= now ? null
        : PinnedUntil is { } until ? string.Create(CultureInfo.InvariantCulture, $"{Pinned}, until {until.ToUniversalTime():yyyy-MM-dd HH:mm:ss}Z") : Pinned;
}
