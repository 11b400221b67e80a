using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Format.Packs;
using Pitr.Format.Sealing;
using Pitr.Format.Tests.Catalog;
using Pitr.Format.Tests.Manifests;
using Pitr.Format.Wal;

namespace Pitr.Format.Tests;

/// <summary>That a directory holds what <see cref="SampleRepository"/> wrote, whichever version wrote it.</summary>
sealed class SampleRepositoryChecks(string root, Identity identity)
{
    public void Everything()
    {
        Documents();
        using var key = Key();
        WalFiles(key);
        Backup(key);
    }

    public DataKey Key()
    {
        var id = DataKeyId.Parse("000102030405060708090a0b0c0d0e0f");
        using var expected = Samples.Key();
        var document = KeyDocument.Parse(Get(RepositoryLayout.DataKey(id)));
        Assert.Equal(Get(RepositoryLayout.DataKey(id)), Get(RepositoryLayout.ServiceDataKey(Samples.Service, id)));
        using var underPassphrase = document.UnwrapWithPassphrase(SampleRepository.Passphrase);
        Assert.Equal(expected.Secret, underPassphrase.Secret);
        var key = document.Unwrap(identity);
        Assert.Equal(expected.Secret, key.Secret);
        Assert.Equal(Samples.Time, key.Created);
        return key;
    }

    void Documents()
    {
        Assert.Equal(DocumentTests.Repository, RepositoryDocument.Parse(Get(RepositoryLayout.Repository)));
        Assert.Equal("main", ServiceDocument.Parse(Get(RepositoryLayout.ServiceDocument(Samples.Service))).Name);
        var backup = BackupDocument.Parse(Get(RepositoryLayout.Backup(Samples.Service, Samples.Backup)));
        Assert.Equal(DocumentTests.Backup with { Packs = backup.Packs, DataKeys = backup.DataKeys, Settings = backup.Settings, OlderPacks = backup.OlderPacks, Damage = backup.Damage, Databases = backup.Databases, Resumed = backup.Resumed }, backup);
        Assert.Equal(DocumentTests.Backup.Packs, backup.Packs);
    }

    void WalFiles(DataKey key)
    {
        foreach (var (name, content) in new[] { (Samples.Segment, SampleRepository.Segment), (SampleRepository.HistoryName, SampleRepository.History) })
        {
            var bytes = Get(RepositoryLayout.Wal(Samples.Service, name));
            var header = SealedObjectHeader.Parse(bytes);
            header.RequireKind(SealedObjectKind.Wal);
            Assert.Equal(content.Length, header.PlaintextLength);
            Assert.Equal(848_459_700_000_000, header.FirstCommit);
            Assert.Equal(848_459_701_234_567, header.LastCommit);
            Assert.Equal(WalFingerprint.Compute(Samples.SystemIdentifier, name, content), header.Fingerprint);
            Assert.Equal(content, SealedObject.Open(bytes, key));
        }

        Assert.Equal(SampleRepository.Segment, SealedObject.Open(Get(SampleRepository.DumpKey), key));
        Assert.Single(TimelineHistory.Parse(new Timeline(2), System.Text.Encoding.UTF8.GetString(SampleRepository.History)).Entries);
    }

    void Backup(DataKey key)
    {
        var source = new MemoryStream(Get(RepositoryLayout.Manifest(Samples.Service, Samples.Backup)));
        var header = SealedObjectReader.ReadHeader(source);
        header.RequireKind(SealedObjectKind.Manifest);
        using var manifest = new ManifestReader(new SealedObjectReader(source, header, key));
        Assert.Equal(ManifestTests.Header, manifest.Header);
        var items = manifest.ReadAll().ToList();
        Assert.Equal(["base", "base/5", "base/5/16384", "pg_tblspc/16385"], items.OfType<ManifestEntry>().Select(entry => entry.Path));
        Assert.Equal("/srv/tablespace ü", items.OfType<ManifestEntry>().Last().Target);
        Assert.Equal(0x180, items.OfType<ManifestEntry>().ElementAt(2).Mode);
        Assert.Equal(Samples.Time, items.OfType<ManifestEntry>().ElementAt(2).Modified);

        var pack = Get(RepositoryLayout.Pack(Samples.Service, Samples.Backup, 0));
        Assert.Equal(pack.Length, Assert.Single(items.OfType<ManifestPack>()).Size);
        using var reader = new PackReader(pack, key);
        var content = new MemoryStream();
        foreach (var run in items.OfType<ManifestEntry>().ElementAt(2).Runs)
        {
            if (run.IsZeros)
            {
                content.Write(new byte[run.Length]);
                continue;
            }

            using var record = reader.Decode(run.Record, pack.AsSpan((int)run.PackOffset, run.StoredLength));
            content.Write(record.Span.Slice(run.SliceOffset, (int)run.Length));
        }

        Assert.Equal(SampleRepository.File, content.ToArray());
    }

    byte[] Get(string key) => File.ReadAllBytes(Path.Combine(root, key));
}
