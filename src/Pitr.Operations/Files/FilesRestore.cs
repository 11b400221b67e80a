using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Manifests;
using Pitr.Operations.Errors;
using Pitr.Operations.Files.InPlace;
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
    readonly bool _leavesJournalOut = LeavesJournalOut(backup, request);
    readonly string _moment = service.Clock.GetUtcNow().UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
    readonly string _tag = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));

    /// <summary>Of this restore.</summary>
    public string Id => $"{_moment}-{_tag}";

    /// <summary>The backup.</summary>
    public BackupDocument Backup => backup;

    /// <summary>Takes what is decrypted, for whoever reads it back; null where nobody does.</summary>
    internal ContentDigests? Digests { get; init; }

    /// <summary>Finds out what the restore would do, and changes nothing.</summary>
    /// <param name="cancellation">Ends the search.</param>
    /// <exception cref="ImpossiblePlanException">The directory is not empty, or the backup has nothing of what is meant.</exception>
    /// <exception cref="DamagedRepositoryException">The manifest is damaged in every repository.</exception>
    /// <exception cref="RefusedInputException">Something cannot be looked at.</exception>
    public async Task<FilesRestored> PlanAsync(CancellationToken cancellation)
    {
        RequireFillable();
        using var manifest = await StoredManifest.OpenAsync(service, backup, cancellation);
        try
        {
            return Plan(manifest, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedInputException($"it cannot be told what the restore would do: {e.Message}", "nothing was changed; run it as a user who may look there", e);
        }
    }

    FilesRestored Plan(StoredManifest manifest, CancellationToken cancellation)
    {
        using var plan = ReadPlan(manifest, cancellation);
        using var root = request.IsInPlace || Directory.Exists(request.Root) ? OpenRoot() : null;
        using var comparison = root is null ? null : new TreeComparison(plan, root, plan.PlaceOf);
        var result = NewResult();
        _ = Look(plan, comparison, isPlan: true, result, cancellation);
        foreach (var (entry, path) in plan.Entries(cancellation).Where(e => e.Entry.Kind != ManifestEntryKind.File))
        {
            Count(entry, path, plan, comparison, result);
        }

        using var handles = root is null ? null : new TreeHandles(plan.Directories, root);
        result.Aside += request.IsInPlace ? TreeJournalLook.Of(plan, handles!, AsideSuffix).Count(d => d.InTheWay is not null) : 0;
        return RequireAny(result);
    }

    /// <summary>Restores into a directory. In place: <see cref="FilesInPlace"/>.</summary>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Ends the work; temporary files are removed.</param>
    /// <exception cref="ImpossiblePlanException">The directory is not empty, or the backup has nothing of what is meant.</exception>
    /// <exception cref="DamagedRepositoryException">A stored object is damaged in every repository.</exception>
    /// <exception cref="RefusedInputException">Something cannot be written.</exception>
    public async Task<FilesRestored> RunAsync(IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        if (request.IsInPlace)
        {
            throw new InvalidOperationException("a restore in place writes down first what it changes");
        }

        RequireFillable();
        try
        {
            return await WorkAsync(begin: null, progress, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedInputException(
                $"the restore ended: {e.Message}", "what had its name already stays, everything else was removed; make room, or run it as a user who may write there, and give the same command again", e);
        }
    }

    /// <summary>Restores in place. What fails leaves everything as it is then, for who undoes it by the journal.</summary>
    /// <param name="begin">Begins the journal, before anything is changed.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="IOException">Something cannot be written.</exception>
    internal Task<FilesRestored> RunInPlaceAsync(Func<TreeJournalHead, TreeJournal> begin, IProgress<RestoreProgress>? progress, CancellationToken cancellation) => WorkAsync(begin, progress, cancellation);

    string AsideSuffix => $".before-{_moment}";

    FilesRestored NewResult() => new() { AsideSuffix = AsideSuffix, JournalLeftOut = _leavesJournalOut };

    async Task<FilesRestored> WorkAsync(Func<TreeJournalHead, TreeJournal>? begin, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        using var manifest = await StoredManifest.OpenAsync(service, backup, cancellation);
        using var plan = ReadPlan(manifest, cancellation);
        if (request.Directory is { } directory)
        {
            Directory.CreateDirectory(directory);
        }

        var result = NewResult();
        using var root = OpenRoot();
        using var comparison = new TreeComparison(plan, root, plan.PlaceOf);
        var isUnchanged = Look(plan, comparison, isPlan: false, result, cancellation);
        RequireAny(plan, result);
        Digests?.Begin(isUnchanged.Count);
        using var journal = begin?.Invoke(new TreeJournalHead(Id, _moment, _tag, service.Name.Value, backup.Id));
        using var placing = new TreePlacing(plan, root, journal, result);
        var written = new List<SafeFileHandle>();
        try
        {
            MakeDirectories(plan, root, WriteDown(plan, root, journal), placing, journal, written);
            await WriteContentAsync(plan, root, result, progress, cancellation);
            progress?.Report(new RestoreProgress("making files durable", result.Bytes, result.Bytes));
            Sync(written);
            progress?.Report(new RestoreProgress("giving files their names", result.Bytes, result.Bytes));
            using (var finish = new TreeFinish(plan, root, _tag, placing, new TreeOwnership(request.NumericOwners, result), result, isUnchanged))
            {
                finish.Run(cancellation);
            }

            Sync(written);
            journal?.Sync();
            return result;
        }
        catch when (journal is null)
        {
            placing.Discard();
            RemoveTemporary(plan, root);
            throw;
        }
        finally
        {
            written.ForEach(static fileSystem => fileSystem.Dispose());
        }
    }

    // From when this returns there is something to undo.
    static Dictionary<int, TreeJournalDirectory> WriteDown(TreePlan plan, SafeFileHandle root, TreeJournal? journal)
    {
        if (journal is null)
        {
            return [];
        }

        using var handles = new TreeHandles(plan.Directories, root);
        var noted = TreeJournalLook.Of(plan, handles, journal.Head.Before).ToDictionary(d => d.Number);
        journal.Write(noted.Values);
        journal.Publish();
        return noted;
    }

    TreePlan ReadPlan(StoredManifest manifest, CancellationToken cancellation)
    {
        if (_leavesJournalOut && backup.Tree!.Roots.Count == 0)
        {
            throw new ImpossiblePlanException(
                $"backup {backup.Id} holds the systemd journal only, which is not restored in place: only journald writes it", "restore it elsewhere with --to DIR, and read it there. Nothing was touched");
        }

        try
        {
            var plan = TreePlan.Read(manifest, _leavesJournalOut ? request.Selection.Without(JournalPlace.Directory) : request.Selection, service.StateDirectory, cancellation);
            if (request.IsInPlace)
            {
                LeaveAbove(plan);
            }

            return plan;
        }
        catch (DamagedObjectException e)
        {
            throw RestoreFailure.Explain(e, backup.Manifest.Key, RestoreFailure.PackHint);
        }
    }

    // Where the system's journal is, only journald writes.
    static bool LeavesJournalOut(BackupDocument backup, FilesRestoreRequest request) =>
        request.IsInPlace && backup.Tree?.Journal is { } journal && (request.Selection.IsAll || journal.Parts.Any(part => request.Selection.Holds(part.Path.TrimStart('/'), isDirectory: false)));

    // What the trees lie in belongs to the host: it is stored for who restores elsewhere.
    void LeaveAbove(TreePlan plan)
    {
        var roots = (backup.Tree?.Roots ?? []).Select(root => EscapedBytes.ToText(System.Text.Encoding.UTF8.GetBytes(root)) + "/").ToArray();
        foreach (var directory in plan.Directories.Where(d => d.IsMeant))
        {
            directory.IsMeant = !roots.Any(root => root.StartsWith($"/{directory.Path}/", StringComparison.Ordinal) && root.Length > directory.Path.Length + 2);
        }
    }

    void RequireFillable()
    {
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

    FilesRestored RequireAny(FilesRestored result) => result is { Files: 0, Directories: 0, Links: 0, HardLinks: 0, Specials: 0, SocketsLeftOut: 0 }
        ? throw new ImpossiblePlanException($"backup {backup.Id} holds nothing of what --path names", $"`pitr info {service.Name} --backup {backup.Id} --files` lists what it holds")
        : result;

    void RequireAny(TreePlan plan, FilesRestored result)
    {
        if (result.Files == 0 && !plan.Entries(CancellationToken.None).Any())
        {
            RequireAny(result);
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

    // Which files are wanted, and what is taken from where; by number of file whether it is as it should be.
    List<bool> Look(TreePlan plan, TreeComparison? comparison, bool isPlan, FilesRestored result, CancellationToken cancellation)
    {
        var isUnchanged = new List<bool>();
        foreach (var (entry, path) in plan.Entries(cancellation))
        {
            if (entry.Kind == ManifestEntryKind.Directory)
            {
                continue;
            }

            var (directory, _) = plan.PlaceOf(path);
            if (entry.Kind != ManifestEntryKind.File)
            {
                plan.Directories[directory].IsWritten = true;
                continue;
            }

            var presence = request.IsInPlace && comparison is not null ? comparison.Of(entry, path) : TreePresence.Absent;
            plan.AddFile(entry, directory, isWanted: presence != TreePresence.Same);
            plan.Directories[directory].IsWritten |= presence != TreePresence.Same;
            result.Files++;
            result.Bytes += entry.Size;
            isUnchanged.Add(presence == TreePresence.Same);
            Tally(presence, isPlan, result);
        }

        return isUnchanged;
    }

    // What gets its name is counted when it has it.
    static void Tally(TreePresence presence, bool isPlan, FilesRestored result)
    {
        result.Unchanged += presence == TreePresence.Same ? 1 : 0;
        result.Aside += isPlan && presence == TreePresence.Other ? 1 : 0;
        result.New += isPlan && presence == TreePresence.Absent ? 1 : 0;
    }

    static void Count(ManifestEntry entry, string path, TreePlan plan, TreeComparison? comparison, FilesRestored result)
    {
        switch (entry.Kind)
        {
            case ManifestEntryKind.Directory:
                result.Directories += plan.Directories[plan.NumberOf(entry.Path)].IsMeant ? 1 : 0;
                return;
            case ManifestEntryKind.Link:
                result.Links++;
                break;
            case ManifestEntryKind.HardLink:
                result.HardLinks++;
                break;
            case ManifestEntryKind.Special when entry.Metadata!.Special == FileMetadata.Socket:
                result.SocketsLeftOut++;
                return;
            case ManifestEntryKind.Special when entry.Metadata!.Special != FileMetadata.Fifo && LibC.EffectiveUser() != 0:
                result.DevicesLeftOut++;
                return;
            case ManifestEntryKind.Special:
                result.Specials++;
                break;
        }

        Tally(comparison?.Of(entry, path) ?? TreePresence.Absent, isPlan: true, result);
    }

    // Opens a directory of each file system that is written to: in the end they may be closed to whoever is not root.
    static void MakeDirectories(TreePlan plan, SafeFileHandle root, Dictionary<int, TreeJournalDirectory> noted, TreePlacing placing, TreeJournal? journal, List<SafeFileHandle> written)
    {
        using var handles = new TreeHandles(plan.Directories, root);
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
                MakeDirectory(directory, number, noted.GetValueOrDefault(number), handles, placing, journal);
            }

            if (TreeCalls.StatX(handles.Open(number), "\0"u8, TreeCalls.EmptyPath, TreeCalls.BasicStatus, out var status) == 0 && devices.Add(status.Device))
            {
                written.Add(OpenDirectory.Open(handles.Open(number), ".\0"u8));
            }
        }
    }

    static void MakeDirectory(TreePlanDirectory directory, int number, TreeJournalDirectory? noted, TreeHandles handles, TreePlacing placing, TreeJournal? journal)
    {
        const uint whileWorking = 0x1C0;
        var parent = handles.Open(directory.Parent);
        journal?.Step();
        TreeTime? aside = noted?.InTheWay is null ? null : placing.MakeWay(parent, noted, "/" + directory.Path);
        directory.IsNew = TreeCalls.MakeDirectoryAt(parent, directory.Name, whileWorking) == 0;
        var error = directory.IsNew ? TreeCalls.Exists : System.Runtime.InteropServices.Marshal.GetLastPInvokeError();
        if (handles.TryOpen(number) is not { } opened)
        {
            throw TreeError.Of(error == TreeCalls.Exists ? System.Runtime.InteropServices.Marshal.GetLastPInvokeError() : error, "cannot be made", "/" + directory.Path);
        }

        if (noted is { Former: null } && TreeCalls.StatX(opened, "\0"u8, TreeCalls.EmptyPath, TreeCalls.BasicStatus, out var status) == 0)
        {
            journal!.Made(number, directory.IsNew ? status.Inode : 0, aside);
        }
    }

    async Task WriteContentAsync(TreePlan plan, SafeFileHandle root, FilesRestored result, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
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
                progress?.Report(new RestoreProgress("restoring files", Interlocked.Add(ref written, records.ContentBytes), result.Bytes));
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
        using var handles = new TreeHandles(plan.Directories, root);
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
