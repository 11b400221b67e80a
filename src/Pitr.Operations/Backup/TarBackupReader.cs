using System.Text;
using Pitr.Format.Manifests;
using Pitr.Operations.Errors;
using Pitr.Postgres.BaseBackup;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Pages;

namespace Pitr.Operations.Backup;

/// <summary>Takes pg_basebackup's tar apart as it arrives.</summary>
/// <param name="target">What becomes of it.</param>
/// <param name="pagesPerFile">Of the cluster: its segment_size.</param>
sealed class TarBackupReader(BackupTarget target, int pagesPerFile)
{
    const int SmallFile = 64 * 1024;

    readonly BackupAssembly _assembly = target.Assembly;
    BackupLabel? _label;
    ControlFile? _controlFile;

    /// <summary>The backup's label.</summary>
    /// <exception cref="RefusedInputException">There was none.</exception>
    public BackupLabel Label => _label ?? throw new RefusedInputException("pg_basebackup's tar does not begin with backup_label");

    /// <summary>The control file, which comes last.</summary>
    /// <exception cref="RefusedInputException">There was none.</exception>
    public ControlFile ControlFile => _controlFile ?? throw new RefusedInputException("pg_basebackup's tar holds no global/pg_control");

    /// <summary>Reads the whole tar.</summary>
    /// <param name="tar">What pg_basebackup writes.</param>
    /// <param name="cancellation">Ends the work.</param>
    public async Task ReadAsync(Stream tar, CancellationToken cancellation)
    {
        using var packer = new FilePacker(_assembly);
        await foreach (var entry in new BaseBackupTarReader(tar).ReadAsync(cancellation))
        {
            // The root is there before anything is restored into it; a manifest has no name for it.
            if (entry.Path.Length == 0)
            {
                continue;
            }

            // The server sends backup_label first, so the manifest's header, which names the start position, can be written before any entry.
            var small = entry.Path is BackupLabel.FileName or ControlFile.RelativePath ? await ReadSmallAsync(entry, cancellation) : null;
            if (entry.Path == BackupLabel.FileName)
            {
                _label = BackupLabel.Parse(Encoding.UTF8.GetString(small!));
                await target.BeginAsync(_label.StartLsn, _label.StartTimeline, cancellation);
            }
            else if (entry.Path == ControlFile.RelativePath)
            {
                _controlFile = ControlFile.Parse(small!);
            }

            _ = Label;
            await AddAsync(packer, entry, small, cancellation);
            await packer.FlushIfHeldUpAsync();
        }

        await packer.FlushAsync();
    }

    async Task AddAsync(FilePacker packer, TarEntry entry, byte[]? small, CancellationToken cancellation)
    {
        var pending = new PendingEntry(entry.Path, (ManifestEntryKind)entry.Kind, entry.Mode, entry.Modified, entry.LinkTarget);
        if (entry.Kind == TarEntryKind.File)
        {
            IFileContent content = small is null ? new TarFileContent(entry) : new SmallFileContent(small);
            if (RelationFileName.TryParse(entry.Path, out var relation) && new PageScan(_assembly, entry.Path, relation, content, pagesPerFile) is { IsNeeded: true } scan)
            {
                await packer.AddPagesAsync(pending, content, scan, cancellation);
            }
            else
            {
                await packer.AddAsync(pending, content, cancellation);
            }
        }

        pending.Close();
        _assembly.Add(pending, entry.Kind == TarEntryKind.File);
    }

    static async Task<byte[]> ReadSmallAsync(TarEntry entry, CancellationToken cancellation)
    {
        if (entry.Size > SmallFile)
        {
            throw new RefusedInputException($"{entry.Path} has {entry.Size} bytes, more than such a file can have");
        }

        var content = new byte[entry.Size];
        await entry.Data.ReadExactlyAsync(content, cancellation);
        return content;
    }
}
