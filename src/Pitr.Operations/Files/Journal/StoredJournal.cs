using System.Text;
using Pitr.Format.Catalog;
using Pitr.Format.Manifests;
using Pitr.Operations.Backup;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;

namespace Pitr.Operations.Files.Journal;

/// <summary>The journal as an earlier backup holds it.</summary>
/// <param name="service">Whose.</param>
/// <param name="backup">Holds a journal.</param>
sealed class StoredJournal(PackedService service, BackupDocument backup)
{
    readonly Dictionary<string, IReadOnlyList<ManifestRun>> _runs = new(StringComparer.Ordinal);
    readonly Dictionary<int, ManifestPack> _packs = [];
    bool _isRead;

    /// <summary>The backup's id.</summary>
    public string BackupId => backup.Id;

    /// <summary>What it holds.</summary>
    public JournalRecord Record => backup.Tree!.Journal!;

    /// <summary>Finds that of the newest backup whose manifest can be had; null when no backup holds one.</summary>
    /// <param name="service">Whose.</param>
    /// <param name="readable">The backup whose manifest has been read already; null: none.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <exception cref="DamagedRepositoryException">The catalog cannot be read.</exception>
    /// <exception cref="Pitr.Storage.StorageException">No repository answers.</exception>
    public static async Task<StoredJournal?> FindNewestAsync(PackedService service, string? readable, CancellationToken cancellation)
    {
        foreach (var backup in (await new BackupCatalog(service).ListAsync(cancellation)).Where(static b => b.Tree?.Journal is not null).Reverse())
        {
            var found = new StoredJournal(service, backup);
            try
            {
                found.RequireParts();
                if (backup.Id != readable)
                {
                    await found.ReadAsync(cancellation);
                }

                return found;
            }
            catch (DamagedRepositoryException e)
            {
                service.Log.Warning("the journal in backup {Id} cannot be gone on from, the one before it is: {Reason}", backup.Id, e.Message);
            }
        }

        return null;
    }

    /// <summary>The content of a part, from the packs it is in.</summary>
    /// <exception cref="DamagedRepositoryException">The manifest cannot be had, or does not have it.</exception>
    public async Task<StoredContent> OpenAsync(JournalPart part, CancellationToken cancellation)
    {
        await ReadAsync(cancellation);
        return _runs.TryGetValue(part.Path, out var runs)
            ? new StoredContent(service, runs, _packs)
            : throw new DamagedRepositoryException($"the manifest of backup {backup.Id} does not have {part.Path}, which its entry names", "pitr verify looks for damage");
    }

    void RequireParts()
    {
        var paths = new HashSet<string>(StringComparer.Ordinal);
        if (Record.Parts.FirstOrDefault(part => !JournalPlace.IsPart(part) || !paths.Add(part.Path)) is { } wrong)
        {
            throw new DamagedRepositoryException(
                $"the entry of backup {backup.Id} names {EscapedBytes.ToText(Encoding.UTF8.GetBytes(wrong.Path))} as a part of the journal, which it cannot be", "pitr verify looks for damage");
        }
    }

    async Task ReadAsync(CancellationToken cancellation)
    {
        if (_isRead)
        {
            return;
        }

        using var manifest = await StoredManifest.OpenAsync(service, backup, cancellation);
        using var reader = manifest.Read();
        while (reader.ReadNext() is { } line)
        {
            cancellation.ThrowIfCancellationRequested();
            if (line is ManifestPack pack)
            {
                _packs[pack.Index] = pack;
            }
            else if (line is ManifestEntry { Kind: ManifestEntryKind.File } entry && entry.Path.StartsWith(JournalPlace.Directory + "/", StringComparison.Ordinal))
            {
                _runs["/" + entry.Path] = entry.Runs;
            }
        }

        _isRead = true;
    }
}
