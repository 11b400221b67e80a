using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Manifests;
using Pitr.Operations.Errors;
using Pitr.Operations.Files.Journal;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Files;

/// <summary>
/// Brings files of a backup back: content goes under temporary names first, pack by pack, several at a time; when all of it is durable, each file gets its owner, mode, attributes, time and name.
/// </summary>
/// <param name="service">Whose backup.</param>
/// <param name="backup">Which.</param>
/// <param name="request">What of it, and where to.</param>
public sealed class FilesRestore(FilesService service, BackupDocument backup, FilesRestoreRequest request)
{
    readonly FilesRestored _result = new()
    {
        AsideSuffix = $".before-{service.Clock.GetUtcNow().UtcDateTime:yyyyMMdd'T'HHmmss'Z'}",
        JournalLeftOut = LeavesJournalOut(backup, request),
    };

    readonly string _tag = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
    readonly List<bool> _isUnchanged = [];

    /// <summary>Takes what is decrypted, for whoever reads it back; null where nobody does.</summary>
    internal ContentDigests? Digests { get; init; }

    /// <summary>Finds out what <see cref="RunAsync"/> would do, and changes nothing.</summary>
    /// <inheritdoc cref="RunAsync"/>
    public async Task<FilesRestored> PlanAsync(CancellationToken cancellation)
    {
        RequireFillable();
        using var manifest = await StoredManifest.OpenAsync(service, backup, cancellation);
        using var plan = ReadPlan(manifest, cancellation);
        using var root = request.IsInPlace || Directory.Exists(request.Root) ? OpenRoot() : null;
        Look(plan, root, cancellation);
        foreach (var (entry, _) in plan.Entries(cancellation).Where(e => e.Entry.Kind != ManifestEntryKind.File))
        {
            Count(entry, plan);
        }

        return RequireAny();
    }

    /// <summary>Restores.</summary>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Ends the work; temporary files are removed.</param>
    /// <exception cref="ImpossiblePlanException">The directory is not empty, or the backup has nothing of what is meant.</exception>
    /// <exception cref="DamagedRepositoryException">A stored object is damaged in every repository.</exception>
    /// <exception cref="RefusedInputException">Something cannot be written.</exception>
    public async Task<FilesRestored> RunAsync(IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        RequireFillable();
        using var manifest = await StoredManifest.OpenAsync(service, backup, cancellation);
        using var plan = ReadPlan(manifest, cancellation);
        try
        {
            if (request.Directory is { } directory)
            {
                Directory.CreateDirectory(directory);
            }

            using var root = OpenRoot();
            Look(plan, root, cancellation);
            RequireAny(plan);
            Digests?.Begin(_isUnchanged.Count);
            var placing = new TreePlacing(request.IsInPlace, _result);
            var written = new List<SafeFileHandle>();
            try
            {
                MakeDirectories(plan, root, placing, written);
                await WriteContentAsync(plan, root, progress, cancellation);
                progress?.Report(new RestoreProgress("making files durable", _result.Bytes, _result.Bytes));
                Sync(written);
                progress?.Report(new RestoreProgress("giving files their names", _result.Bytes, _result.Bytes));
                new TreeFinish(plan, root, _tag, placing, new TreeOwnership(request.NumericOwners, _result), _result, _isUnchanged).Run(cancellation);
                Sync(written);
                return _result;
            }
            catch
            {
                RemoveTemporary(plan, root);
                throw;
            }
            finally
            {
                written.ForEach(static fileSystem => fileSystem.Dispose());
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedInputException(
                $"the restore ended: {e.Message}", "what had its name already stays, everything else was removed; make room, or run it as a user who may write there, and give the same command again", e);
        }
    }

    TreePlan ReadPlan(StoredManifest manifest, CancellationToken cancellation)
    {
        try
        {
            return TreePlan.Read(manifest, _result.JournalLeftOut ? request.Selection.Without(JournalPlace.Directory) : request.Selection, service.StateDirectory, cancellation);
        }
        catch (DamagedObjectException e)
        {
            throw RestoreFailure.Explain(e, backup.Manifest.Key, RestoreFailure.PackHint);
        }
    }

    // Where the system's journal is, only journald writes.
    static bool LeavesJournalOut(BackupDocument backup, FilesRestoreRequest request) =>
        request.IsInPlace && backup.Tree?.Journal is { } journal && (request.Selection.IsAll || journal.Parts.Any(part => request.Selection.Holds(part.Path.TrimStart('/'), isDirectory: false)));

    void RequireFillable()
    {
        if (_result.JournalLeftOut && backup.Tree!.Roots.Count == 0)
        {
            throw new ImpossiblePlanException(
                $"backup {backup.Id} holds the systemd journal only, which is not restored in place: only journald writes it", "restore it elsewhere with --to DIR, and read it there. Nothing was touched");
        }

        if (request.Directory is not { } directory)
        {
            return;
        }

        if (File.Exists(directory) || (Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any()))
        {
            throw new ImpossiblePlanException(
                $"{directory} is there and not empty", "name a directory that does not exist yet, or an empty one; --in-place restores over what is there, and keeps that aside. Nothing was touched");
        }
    }

    FilesRestored RequireAny() => _result is { Files: 0, Directories: 0, Links: 0, HardLinks: 0, Specials: 0, SocketsLeftOut: 0 }
        ? throw new ImpossiblePlanException($"backup {backup.Id} holds nothing of what --path names", $"`pitr info {service.Name} --backup {backup.Id} --files` lists what it holds")
        : _result;

    void RequireAny(TreePlan plan)
    {
        if (_result.Files == 0 && !plan.Entries(CancellationToken.None).Any())
        {
            RequireAny();
        }
    }

    SafeFileHandle OpenRoot()
    {
        if (request.IsInPlace)
        {
            return OpenDirectory.OpenRoot();
        }

        byte[] path = [.. System.Text.Encoding.UTF8.GetBytes(request.Root), 0];
        var root = TreeCalls.OpenAt(TreeCalls.CurrentDirectory, path, TreeCalls.ReadOnly | TreeCalls.OnlyDirectory | TreeCalls.CloseOnExec, 0);
        return root.IsInvalid ? throw TreeError.Last("cannot be opened", request.Root) : root;
    }

    // Which files are wanted, and what is taken from where.
    void Look(TreePlan plan, SafeFileHandle? root, CancellationToken cancellation)
    {
        using var handles = root is null ? null : new TreeHandles(plan, root);
        foreach (var (entry, path) in plan.Entries(cancellation))
        {
            if (entry.Kind != ManifestEntryKind.File)
            {
                continue;
            }

            var (directory, name) = plan.PlaceOf(path);
            var isUnchanged = request.IsInPlace && handles?.TryOpen(directory) is { } opened
                && TreeCalls.StatX(opened, name, TreeCalls.NoFollow, TreeCalls.BasicStatus, out var status) == 0 && status.Type == TreeCalls.Regular && status.IsAsIn(entry);
            plan.AddFile(entry, directory, isWanted: !isUnchanged);
            _result.Files++;
            _result.Bytes += entry.Size;
            _result.Unchanged += isUnchanged ? 1 : 0;
            _isUnchanged.Add(isUnchanged);
        }
    }

    void Count(ManifestEntry entry, TreePlan plan)
    {
        switch (entry.Kind)
        {
            case ManifestEntryKind.Directory:
                _result.Directories += plan.Directories[plan.NumberOf(entry.Path)].IsMeant ? 1 : 0;
                break;
            case ManifestEntryKind.Link:
                _result.Links++;
                break;
            case ManifestEntryKind.HardLink:
                _result.HardLinks++;
                break;
            case ManifestEntryKind.Special when entry.Metadata!.Special == FileMetadata.Socket:
                _result.SocketsLeftOut++;
                break;
            case ManifestEntryKind.Special:
                _result.Specials++;
                break;
        }
    }

    // Opens a directory of each file system that is written to: in the end they may be closed to whoever is not root.
    static void MakeDirectories(TreePlan plan, SafeFileHandle root, TreePlacing placing, List<SafeFileHandle> written)
    {
        const uint whileWorking = 0x1C0;
        using var handles = new TreeHandles(plan, root);
        var devices = new HashSet<ulong>();
        for (var number = 0; number < plan.Directories.Count; number++)
        {
            var directory = plan.Directories[number];
            if (!directory.IsNeeded)
            {
                continue;
            }

            if (number > 0)
            {
                var parent = handles.Open(directory.Parent);
                directory.IsNew = TreeCalls.MakeDirectoryAt(parent, directory.Name, whileWorking) == 0;
                if (!directory.IsNew && handles.TryOpen(number) is null)
                {
                    if (System.Runtime.InteropServices.Marshal.GetLastPInvokeError() is not (TreeCalls.NotDirectory or TreeCalls.TooManyLinks))
                    {
                        throw TreeError.Last("cannot be made", "/" + directory.Path);
                    }

                    placing.MakeWay(handles.Open(directory.Parent), directory.Name, "/" + directory.Path);
                    directory.IsNew = TreeCalls.MakeDirectoryAt(handles.Open(directory.Parent), directory.Name, whileWorking) == 0;
                }
            }

            if (TreeCalls.StatX(handles.Open(number), "\0"u8, TreeCalls.EmptyPath, TreeCalls.BasicStatus, out var status) == 0 && devices.Add(status.Device))
            {
                written.Add(OpenDirectory.Open(handles.Open(number), ".\0"u8));
            }
        }
    }

    async Task WriteContentAsync(TreePlan plan, SafeFileHandle root, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var packs = plan.UsedPacks.Order().ToArray();
        var largest = packs.Select(p => plan.Pack(p).Size).Where(size => size <= Array.MaxLength).DefaultIfEmpty(0).Max();
        var fetch = new PackFetch(service, new FetchBuffers((int)largest));
        var written = 0L;
        await Parallel.ForEachAsync(packs, new ParallelOptions { MaxDegreeOfParallelism = service.Backup.Jobs, CancellationToken = cancellation }, async (index, token) =>
        {
            var pack = plan.Pack(index);
            var (key, size) = fetch.Locate(pack);
            try
            {
                var records = new PackRecords(plan.RunsOf(index), size);
                using var writer = new TreeWriter(plan, root, _tag, Digests);
                await new PackRestore(service, fetch, pack, records, writer).RunAsync(token);
                progress?.Report(new RestoreProgress("restoring files", Interlocked.Add(ref written, records.ContentBytes), _result.Bytes));
            }
            catch (Exception e) when (e is DamagedObjectException or UnsupportedFormatException)
            {
                throw RestoreFailure.Explain(e, key, RestoreFailure.PackHint);
            }
        });
    }

    static void Sync(IEnumerable<SafeFileHandle> fileSystems)
    {
        foreach (var fileSystem in fileSystems)
        {
            if (TreeCalls.SyncFileSystem(fileSystem) != 0)
            {
                throw TreeError.Last("could not be made durable", "what was restored");
            }
        }
    }

    void RemoveTemporary(TreePlan plan, SafeFileHandle root)
    {
        using var handles = new TreeHandles(plan, root);
        for (var file = 0; file < plan.FileDirectories.Count; file++)
        {
            if (handles.TryOpen(plan.FileDirectories[file]) is { } directory)
            {
                // Most are not there: they have their names, or were never begun.
                _ = TreeCalls.UnlinkAt(directory, TreeWriter.TemporaryName(_tag, file), 0);
            }
        }
    }
}
