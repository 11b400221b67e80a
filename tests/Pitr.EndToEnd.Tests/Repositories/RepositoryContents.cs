using System.Security.Cryptography;
using System.Text.Json;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Format.Packs;
using Pitr.Format.Sealing;

namespace Pitr.EndToEnd.Tests.Repositories;

/// <summary>Looks into a file repository without pitr's drivers: every visible file is an object, and with the identity every object opens.</summary>
sealed class RepositoryContents(string root, string identityFile) : IDisposable
{
    readonly Identity _identity = Identity.FromPem(File.ReadAllText(identityFile));
    readonly Dictionary<DataKeyId, DataKey> _keys = [];

    /// <summary>Every visible object, in order. Unfinished ones have names beginning with .tmp- and are none.</summary>
    public IReadOnlyList<string> Keys { get; } = Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
        .Where(path => !Path.GetFileName(path).StartsWith(".tmp-", StringComparison.Ordinal))
        .Select(path => Path.GetRelativePath(root, path))
        .Order(StringComparer.Ordinal)
        .ToArray();

    public IEnumerable<string> WalNames => Keys.Where(key => RepositoryLayout.TryParseWal(key, out _, out _)).Select(key => Path.GetFileName(key));

    /// <summary>Ids of the backups: those with a backup.json.</summary>
    public IEnumerable<string> Backups => Keys.Where(IsBackup).Select(key => key.Split('/')[^2]);

    public byte[] Read(string key) => File.ReadAllBytes(Path.Combine(root, key));

    /// <summary>The plaintext of a sealed object.</summary>
    public byte[] Open(string key)
    {
        var content = Read(key);
        try
        {
            return SealedObject.Open(content, Key(SealedObject.ReadKeyId(content)));
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{key} ({content.Length} bytes) does not open: {e.Message}", e);
        }
    }

    /// <summary>Opens every object, and every record of every pack that a backup uses.</summary>
    public void OpenEverything()
    {
        foreach (var key in Keys)
        {
            if (key.EndsWith(".json", StringComparison.Ordinal))
            {
                RequireDocument(key);
            }
            else if (key.Contains("/packs/", StringComparison.Ordinal))
            {
                Assert.Equal(SealedObjectKind.Pack, SealedObjectHeader.Parse(Read(key).AsSpan(0, SealedObjectHeader.Size)).Kind);
            }
            else
            {
                Open(key);
            }
        }
    }

    /// <summary>The bytes of one file of a backup, put together from its packs.</summary>
    public byte[] ReadBackupFile(string backup, string path)
    {
        using var manifest = new ManifestReader(new MemoryStream(Open($"services/main/backups/{backup}/manifest")));
        var lines = manifest.ReadAll().ToArray();
        var packs = lines.OfType<ManifestPack>().ToDictionary(p => p.Index);
        var content = new MemoryStream();
        foreach (var run in lines.OfType<ManifestEntry>().Single(e => e.Path == path).Runs)
        {
            content.Write(run.Pack < 0 ? new byte[run.Length] : Record(packs[run.Pack], run).AsSpan(run.SliceOffset, (int)run.Length));
        }

        return content.ToArray();
    }

    static bool IsBackup(string key) => key.Contains("/backups/", StringComparison.Ordinal) && key.EndsWith("/backup.json", StringComparison.Ordinal);

    byte[] Record(ManifestPack pack, ManifestRun run)
    {
        var stored = Read($"services/main/packs/{pack.BackupId}/{pack.Number:D6}");
        using var reader = new PackReader(stored.AsSpan(0, SealedObjectHeader.Size), Key(SealedObject.ReadKeyId(stored)));
        using var record = reader.Decode(run.Record, stored.AsSpan((int)run.PackOffset, run.StoredLength));
        return record.Span.ToArray();
    }

    void RequireDocument(string key)
    {
        var content = Read(key);
        if (key.Contains("keys/", StringComparison.Ordinal))
        {
            KeyDocument.Parse(content).Unwrap(_identity).Dispose();
        }
        else if (IsBackup(key))
        {
            RequireBackup(BackupDocument.Parse(content));
        }
        else
        {
            using var any = JsonDocument.Parse(content);
        }
    }

    void RequireBackup(BackupDocument backup)
    {
        foreach (var stored in backup.Packs.Append(backup.Manifest))
        {
            Assert.Equal((stored.Key, stored.Size, stored.Sha256), (stored.Key, Read(stored.Key).LongLength, Convert.ToHexStringLower(SHA256.HashData(Read(stored.Key)))));
        }

        using var manifest = new ManifestReader(new MemoryStream(Open(backup.Manifest.Key)));
        var lines = manifest.ReadAll().ToArray();
        var packs = lines.OfType<ManifestPack>().ToDictionary(p => p.Index);
        foreach (var record in lines.OfType<ManifestEntry>().SelectMany(e => e.Runs).Where(r => r.Pack >= 0).DistinctBy(r => (r.Pack, r.Record)).GroupBy(r => r.Pack))
        {
            var stored = Read($"services/main/packs/{packs[record.Key].BackupId}/{packs[record.Key].Number:D6}");
            using var reader = new PackReader(stored.AsSpan(0, SealedObjectHeader.Size), Key(SealedObject.ReadKeyId(stored)));
            foreach (var run in record)
            {
                reader.Decode(run.Record, stored.AsSpan((int)run.PackOffset, run.StoredLength)).Dispose();
            }
        }
    }

    DataKey Key(DataKeyId id)
    {
        if (!_keys.TryGetValue(id, out var key))
        {
            _keys[id] = key = KeyDocument.Parse(Read(RepositoryLayout.DataKey(id))).Unwrap(_identity);
        }

        return key;
    }

    public void Dispose()
    {
        foreach (var key in _keys.Values)
        {
            key.Dispose();
        }

        _identity.Dispose();
    }
}
