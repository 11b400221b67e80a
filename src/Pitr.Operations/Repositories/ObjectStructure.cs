using System.Text.Json;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>
/// What can be said about a stored object without any key: a sealed object has the header its place asks for and a length that header allows;
/// a document can be read and is that of its key. Objects of unknown kind may be anything.
/// </summary>
public static class ObjectStructure
{
    /// <summary>Longest document that is looked into: the largest, entries of backups with many packs, are far smaller.</summary>
    const int LongestDocument = 64 << 20;

    /// <summary>Checks one object.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="content">Its bytes as stored.</param>
    /// <exception cref="DamagedObjectException">It is not what its key says.</exception>
    /// <exception cref="UnsupportedFormatException">A newer program wrote it.</exception>
    public static async Task RequireAsync(string key, ObjectContent content, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(content);
        var place = RepositoryKey.Parse(key);
        switch (place.Kind)
        {
            case RepositoryKeyKind.Wal or RepositoryKeyKind.WalPiece:
                await RequireSealedAsync(SealedObjectKind.Wal, content, cancellation);
                break;
            case RepositoryKeyKind.Pack:
                await RequireSealedAsync(SealedObjectKind.Pack, content, cancellation);
                break;
            case RepositoryKeyKind.Manifest or RepositoryKeyKind.DumpManifest:
                await RequireSealedAsync(SealedObjectKind.Manifest, content, cancellation);
                break;
            case RepositoryKeyKind.Dump:
                await RequireSealedAsync(SealedObjectKind.Stream, content, cancellation);
                break;
            case RepositoryKeyKind.Other or RepositoryKeyKind.Lock or RepositoryKeyKind.DumpSums:
                break;
            default:
                RequireDocument(key, place, await ReadAsync(content, cancellation));
                break;
        }
    }

    static async Task RequireSealedAsync(SealedObjectKind kind, ObjectContent content, CancellationToken cancellation)
    {
        await using var stream = content.OpenRead();
        var header = await SealedObjectReader.ReadHeaderAsync(stream, cancellation);
        header.RequireKind(kind);
        header.RequireStoredLength(content.Length);
    }

    static async Task<byte[]> ReadAsync(ObjectContent content, CancellationToken cancellation)
    {
        if (content.Length > LongestDocument)
        {
            throw new DamagedObjectException($"a document of {content.Length} bytes: no such document has more than {LongestDocument}");
        }

        var bytes = new byte[content.Length];
        await using var stream = content.OpenRead();
        await stream.ReadExactlyAsync(bytes, cancellation);
        return bytes;
    }

    static void RequireDocument(string key, RepositoryKey place, byte[] json)
    {
        switch (place.Kind)
        {
            case RepositoryKeyKind.Repository:
                RepositoryDocument.Parse(json);
                break;
            case RepositoryKeyKind.DataKey:
                var id = KeyDocument.Parse(json).Id;
                RequireOwn(RepositoryKey.TryParseDataKeyId(key, out var expected) && id == expected, $"data key {id}");
                break;
            case RepositoryKeyKind.Service:
                var service = ServiceDocument.Parse(json).Name;
                RequireOwn(service == place.Service!.Value.Value, $"service {service}");
                break;
            case RepositoryKeyKind.Backup:
                var backup = BackupDocument.Parse(json);
                RequireOwn(backup.Id == place.Backup.ToString() && backup.Service == place.Service!.Value.Value, $"backup {backup.Id} of service {backup.Service}");
                break;
            case RepositoryKeyKind.Audit when key.EndsWith(RepositoryLayout.AuditBeginningSuffix, StringComparison.Ordinal):
                var beginning = AuditBeginning.Parse(json);
                RequireOwn(key == RepositoryLayout.AuditBeginning(place.Service, beginning.Id) && beginning.Service == place.Service?.Value, $"the beginning of {beginning.Action} {beginning.Id}");
                break;
            case RepositoryKeyKind.DumpEntry:
                var dump = DumpDocument.Parse(json);
                RequireOwn(dump.Id == place.Backup.ToString() && dump.Service == place.Service!.Value.Value, $"dump {dump.Id} of service {dump.Service}");
                break;
            case RepositoryKeyKind.Audit:
                var record = AuditRecord.Parse(json);
                RequireOwn(
                    key == RepositoryLayout.Audit(place.Service, record.Id) && record.Service == place.Service?.Value,
                    $"{record.Action} {record.Id} of {(record.Service is { } owner ? $"service {owner}" : $"repository {record.Repository}")}");
                break;
            default:
                RequireJson(json);
                break;
        }
    }

    static void RequireOwn(bool own, string whose)
    {
        if (!own)
        {
            throw new DamagedObjectException($"it is the document of {whose}, which does not belong under this key");
        }
    }

    static void RequireJson(byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
        }
        catch (JsonException e)
        {
            throw new DamagedObjectException($"it is not JSON: {e.Message}", e);
        }
    }
}
