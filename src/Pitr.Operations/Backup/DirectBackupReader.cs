using System.Text;
using System.Threading.Channels;
using Pitr.Format.Manifests;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.BaseBackup;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Pages;

namespace Pitr.Operations.Backup;

/// <summary>Reads the files of a running cluster, several at a time, while the server is in backup mode.</summary>
/// <param name="service">Whose cluster it is.</param>
/// <param name="dataDirectory">Absolute path.</param>
/// <param name="assembly">What becomes of it; its manifest is begun.</param>
sealed class DirectBackupReader(PostgresService service, string dataDirectory, BackupAssembly assembly)
{
    const int FilesAhead = 64;
    const int ControlFileAttempts = 20;
    const int PrivateFile = 0x180;

    static readonly TimeSpan ControlFilePause = TimeSpan.FromMilliseconds(5);

    /// <summary>Reads everything but pg_control and backup_label.</summary>
    /// <exception cref="RefusedInputException">A file cannot be read.</exception>
    public async Task ReadAsync(ControlFile control, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var files = Channel.CreateBounded<ClusterFile>(new BoundedChannelOptions(FilesAhead) { SingleWriter = true });
        var list = new ClusterFileList(dataDirectory, control, (path, reason) => service.Log.Warning("{Path} is left out: {Reason}", path, reason));
        var work = Enumerable.Range(0, service.Settings.Backup.Jobs).Select(_ => Task.Run(() => PackAsync(files.Reader, control.PagesPerFile, stop.Token)))
            .Append(Task.Run(() => ListAsync(list, files.Writer, stop.Token)))
            .ToList();
        while (work.Count > 0)
        {
            var ended = await Task.WhenAny(work);
            work.Remove(ended);
            if (!ended.IsCompletedSuccessfully)
            {
                await stop.CancelAsync();
                await Task.WhenAll(work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                // The one that failed first says why.
                await ended;
            }
        }
    }

    async Task ListAsync(ClusterFileList list, ChannelWriter<ClusterFile> files, CancellationToken cancellation)
    {
        try
        {
            await ListAllAsync(list, files, cancellation);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new RefusedInputException($"{dataDirectory} cannot be listed: {e.Message}", "run as the user that owns the data directory", e);
        }
    }

    async Task ListAllAsync(ClusterFileList list, ChannelWriter<ClusterFile> files, CancellationToken cancellation)
    {
        foreach (var file in list.List())
        {
            if (file.Kind == TarEntryKind.File)
            {
                await files.WriteAsync(file, cancellation);
                continue;
            }

            // Here, so that it comes before what lies in it.
            var entry = new PendingEntry(file.Path, (ManifestEntryKind)file.Kind, file.Mode, file.Modified, file.LinkTarget);
            entry.Close();
            assembly.Add(entry, isFile: false);
        }

        files.Complete();
    }

    async Task PackAsync(ChannelReader<ClusterFile> files, int pagesPerFile, CancellationToken cancellation)
    {
        using var packer = new FilePacker(assembly);
        await foreach (var file in files.ReadAllAsync(cancellation))
        {
            await PackAsync(packer, file, pagesPerFile, cancellation);
            await packer.FlushIfHeldUpAsync();
        }

        await packer.FlushAsync();
    }

    async Task PackAsync(FilePacker packer, ClusterFile file, int pagesPerFile, CancellationToken cancellation)
    {
        try
        {
            var entry = new PendingEntry(file.Path, ManifestEntryKind.File, file.Mode, file.Modified, null);
            var known = RelationFileName.TryParse(file.Path, out var relation) ? KnownPages.Find(assembly, file.Path, relation, pagesPerFile) : null;
            // Its size is that of the listing, after the backup's start: what comes to it, or goes, is in the WAL of the backup.
            if (known?.FindAll(file.Size) is { } stored)
            {
                packer.AddStored(entry, stored);
            }
            else
            {
                await ReadAsync(packer, entry, file, relation, pagesPerFile, known, cancellation);
            }

            entry.Close();
            assembly.Add(entry, isFile: true);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // Dropped since it was listed: recovery drops it, too.
            service.Log.Debug("{Path} is gone", file.Path);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new RefusedInputException($"{file.FullPath} cannot be read: {e.Message}", "run as the user that owns the data directory; an input or output error is a failing disk", e);
        }
    }

    async Task ReadAsync(FilePacker packer, PendingEntry entry, ClusterFile file, RelationFileName relation, int pagesPerFile, KnownPages? known, CancellationToken cancellation)
    {
        using var content = DiskFileContent.Open(file.FullPath);
        if (relation.Directory is null)
        {
            await packer.AddAsync(entry, content, cancellation);
            return;
        }

        using var map = VisibilityMap.Of(file.FullPath, relation, assembly.Facts.PageSize, pagesPerFile);
        var scan = new PageScan(assembly, file.Path, relation, content, pagesPerFile) { Map = map };
        if (!scan.IsNeeded)
        {
            await packer.AddAsync(entry, content, cancellation);
        }
        else if (known?.CanSkip(content.Length) == true)
        {
            await packer.AddPagesAsync(entry, content, scan, known, cancellation);
        }
        else
        {
            await packer.AddPagesAsync(entry, content, scan, cancellation);
        }
    }

    /// <summary>Reads pg_control, after everything else: a standby's backup is consistent from the position in it on.</summary>
    /// <exception cref="ServerException">It is damaged.</exception>
    public async Task ReadControlFileAsync(CancellationToken cancellation)
    {
        var path = Path.Combine(dataDirectory, ControlFile.RelativePath);
        for (var attempt = 1; ; attempt++)
        {
            var content = await File.ReadAllBytesAsync(path, cancellation);
            try
            {
                ControlFile.Parse(content);
                await AddAsync(ControlFile.RelativePath, content, (int)File.GetUnixFileMode(path), new DateTimeOffset(File.GetLastWriteTimeUtc(path), TimeSpan.Zero), cancellation);
                return;
            }
            catch (ServerException) when (attempt < ControlFileAttempts)
            {
                // The server was writing it.
                await Task.Delay(ControlFilePause, service.Clock, cancellation);
            }
        }
    }

    /// <summary>Adds the label that the server gave.</summary>
    public Task AddLabelAsync(string label, CancellationToken cancellation) =>
        AddAsync(BackupLabel.FileName, Encoding.UTF8.GetBytes(label), PrivateFile, service.Clock.GetUtcNow(), cancellation);

    async Task AddAsync(string path, byte[] content, int mode, DateTimeOffset modified, CancellationToken cancellation)
    {
        using var packer = new FilePacker(assembly);
        var entry = new PendingEntry(path, ManifestEntryKind.File, mode, modified, null);
        await packer.AddAsync(entry, new SmallFileContent(content), cancellation);
        entry.Close();
        assembly.Add(entry, isFile: true);
        await packer.FlushAsync();
    }
}
