using Pitr.Format.Keys;

namespace Pitr.Format.Layout;

/// <summary>A key read backwards: what it is for, and whose it is. The inverse of <see cref="RepositoryLayout"/>.</summary>
/// <param name="Kind">What the key is for.</param>
/// <param name="Service">The service it belongs to; null where it belongs to none, or to none with a legal name.</param>
/// <param name="Backup">The backup it belongs to: for entry, manifest, packs and dumps.</param>
public readonly record struct RepositoryKey(RepositoryKeyKind Kind, ServiceName? Service, BackupId? Backup)
{
    const string JsonSuffix = ".json";

    /// <summary>Reads any key; one of an unknown form is of the kind <see cref="RepositoryKeyKind.Other"/>.</summary>
    public static RepositoryKey Parse(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (string.Equals(key, RepositoryLayout.Repository, StringComparison.Ordinal))
        {
            return new(RepositoryKeyKind.Repository, null, null);
        }

        if (key.StartsWith(RepositoryLayout.KeysPrefix, StringComparison.Ordinal))
        {
            return new(IsKeyDocument(key.AsSpan(RepositoryLayout.KeysPrefix.Length)) ? RepositoryKeyKind.DataKey : RepositoryKeyKind.Other, null, null);
        }

        if (key.StartsWith(RepositoryLayout.AuditPrefix(null), StringComparison.Ordinal))
        {
            return new(IsDocument(key.AsSpan(RepositoryLayout.AuditPrefix(null).Length)) ? RepositoryKeyKind.Audit : RepositoryKeyKind.Other, null, null);
        }

        if (!key.StartsWith(RepositoryLayout.ServicesPrefix, StringComparison.Ordinal))
        {
            return default;
        }

        var rest = key.AsSpan(RepositoryLayout.ServicesPrefix.Length);
        var slash = rest.IndexOf('/');
        return slash > 0 && ServiceName.TryParse(rest[..slash], out var service) ? OfService(key, service, rest[(slash + 1)..]) : default;
    }

    /// <summary>The id in the name of a key document; false for every other name.</summary>
    public static bool TryParseDataKeyId(string key, out DataKeyId id)
    {
        ArgumentNullException.ThrowIfNull(key);
        var name = key.AsSpan(key.LastIndexOf('/') + 1);
        id = default;
        return name.EndsWith(JsonSuffix, StringComparison.Ordinal) && DataKeyId.TryParse(name[..^JsonSuffix.Length], out id);
    }

    static RepositoryKey OfService(string key, ServiceName service, ReadOnlySpan<char> rest)
    {
        if (rest is "service.json")
        {
            return new(RepositoryKeyKind.Service, service, null);
        }

        var slash = rest.IndexOf('/');
        var name = slash < 0 ? default : rest[(slash + 1)..];
        return (slash < 0 ? rest : rest[..slash]) switch
        {
            "keys" when IsKeyDocument(name) => new(RepositoryKeyKind.DataKey, service, null),
            "wal" when RepositoryLayout.TryParseWal(key, out _, out _) => new(RepositoryKeyKind.Wal, service, null),
            "wal" when RepositoryLayout.TryParseWalPiece(key, out _, out _) => new(RepositoryKeyKind.WalPiece, service, null),
            "backups" => OfBackup(service, name),
            "packs" => InBackup(RepositoryKeyKind.Pack, service, name),
            "dumps" => OfDump(service, name),
            "drills" when IsDocument(name) => new(RepositoryKeyKind.Drill, service, null),
            "audit" when IsDocument(name) => new(RepositoryKeyKind.Audit, service, null),
            "locks" => new(RepositoryKeyKind.Lock, service, null),
            _ => new(RepositoryKeyKind.Other, service, null),
        };
    }

    static RepositoryKey OfBackup(ServiceName service, ReadOnlySpan<char> rest)
    {
        var slash = rest.IndexOf('/');
        return (slash < 0 ? default : rest[(slash + 1)..]) switch
        {
            "backup.json" => InBackup(RepositoryKeyKind.Backup, service, rest),
            "manifest" => InBackup(RepositoryKeyKind.Manifest, service, rest),
            _ => new(RepositoryKeyKind.Other, service, null),
        };
    }

    static RepositoryKey OfDump(ServiceName service, ReadOnlySpan<char> rest)
    {
        var slash = rest.IndexOf('/');
        return (slash < 0 ? default : rest[(slash + 1)..]) switch
        {
            RepositoryLayout.DumpEntryName => InBackup(RepositoryKeyKind.DumpEntry, service, rest),
            RepositoryLayout.DumpManifestName => InBackup(RepositoryKeyKind.DumpManifest, service, rest),
            RepositoryLayout.DumpSumsName => InBackup(RepositoryKeyKind.DumpSums, service, rest),
            _ => InBackup(RepositoryKeyKind.Dump, service, rest),
        };
    }

    static RepositoryKey InBackup(RepositoryKeyKind kind, ServiceName service, ReadOnlySpan<char> rest)
    {
        var slash = rest.IndexOf('/');
        return slash > 0 && BackupId.TryParse(rest[..slash], out var backup) ? new(kind, service, backup) : new(RepositoryKeyKind.Other, service, null);
    }

    static bool IsDocument(ReadOnlySpan<char> name) => name.EndsWith(JsonSuffix, StringComparison.Ordinal) && !name.Contains('/');

    static bool IsKeyDocument(ReadOnlySpan<char> name) =>
        name.EndsWith(JsonSuffix, StringComparison.Ordinal) && DataKeyId.TryParse(name[..^JsonSuffix.Length], out _);
}
