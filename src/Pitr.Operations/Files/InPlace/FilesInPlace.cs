using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Files.InPlace;

/// <summary>
/// Restores files where they were, and keeps what is there. What is changed is in a journal before; whatever fails on the way is undone, after a kill by another process. After success the journal is
/// kept, for who wants what was there after all.
/// </summary>
/// <param name="service">The service.</param>
public sealed class FilesInPlace(FilesService service) : IDisposable
{
    const string Option = "--in-place";

    FileStream? _lock;

    string OpenPath => Path.Combine(service.StateDirectory, "in-place.journal");

    string KeptPath => Path.Combine(service.StateDirectory, "in-place-kept.journal");

    /// <summary>For tests: called before each change of what is there.</summary>
    internal Action? Step { get; init; }

    /// <summary>The restore that was interrupted; null when none was.</summary>
    /// <exception cref="ImpossiblePlanException">Its journal cannot be read.</exception>
    public TreeJournalHead? Interrupted => ReadHead(OpenPath);

    /// <summary>The last restore that succeeded, and whose journal is kept; null when there is none.</summary>
    /// <exception cref="ImpossiblePlanException">Its journal cannot be read.</exception>
    public TreeJournalHead? Kept => ReadHead(KeptPath);

    /// <summary>Keeps a second one on this host from beginning, until this is disposed.</summary>
    /// <exception cref="BusyException">One runs.</exception>
    public void Lock() => _lock = StateFile.TryLock(Path.Combine(service.StateDirectory, "in-place.lock"))
        ?? throw new BusyException($"another restore in place of service {service.Name} runs on this host", "wait until it has ended");

    /// <summary>Refuses to begin where another one was interrupted.</summary>
    /// <exception cref="ImpossiblePlanException">One was.</exception>
    public void RequireNone()
    {
        if (Interrupted is { } interrupted)
        {
            throw new ImpossiblePlanException($"restore in place {interrupted.Id} was interrupted", $"undo it first: pitr restore {service.Name} {Option} --roll-back");
        }
    }

    /// <summary>Does it.</summary>
    /// <param name="restore">What of which backup.</param>
    /// <param name="progress">Told what it does.</param>
    /// <param name="cancellation">Undoes it.</param>
    /// <exception cref="RolledBackException">It failed once something was changed; the message says what was undone.</exception>
    /// <exception cref="OperationException">It failed before.</exception>
    public async Task<FilesRestored> RunAsync(FilesRestore restore, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(restore);
        RequireNone();
        try
        {
            var restored = await restore.RunInPlaceAsync(head => TreeJournal.Begin(OpenPath, head, Step), progress, cancellation);
            File.Move(OpenPath, KeptPath, overwrite: true);
            LibC.SyncDirectory(service.StateDirectory);
            return restored;
        }
        catch (Exception e) when (Interrupted?.Id == restore.Id)
        {
            throw After(e, progress);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedInputException($"the restore could not begin: {e.Message}", "nothing was changed; run it as a user who may write there", e);
        }
    }

    /// <summary>Refuses where there is nothing to undo.</summary>
    /// <exception cref="ImpossiblePlanException">None was interrupted, and of none the journal is kept.</exception>
    public TreeJournalHead RequireRollBack() => Interrupted ?? RequireKept("undo");

    /// <summary>Refuses where nothing is kept.</summary>
    /// <param name="what">What is to be done, in words.</param>
    /// <exception cref="ImpossiblePlanException">One was interrupted, or of none the journal is kept.</exception>
    public TreeJournalHead RequireKept(string what)
    {
        RequireNone();
        return Kept ?? throw new ImpossiblePlanException(
            $"no restore in place of service {service.Name} was interrupted, and of none is known what it has kept: there is nothing to {what}", "names that end with .before-… are what was there before; move or remove them by hand");
    }

    /// <summary>What would be put back, and what removed: that of an interrupted restore, or of the last one that succeeded.</summary>
    public (int Back, int Removed) CountRollBack()
    {
        using var journal = Open(Interrupted is null ? KeptPath : OpenPath);
        return Guarded(() => journal.Batches().SelectMany(batch => batch).Aggregate((Back: 0, Removed: 0), (sum, entry) => entry.Former is null ? (sum.Back, sum.Removed + 1) : (sum.Back + 1, sum.Removed)));
    }

    /// <summary>Undoes a restore. Not to be interrupted, but may be begun again.</summary>
    /// <param name="which">The one that was interrupted, or the last one that succeeded.</param>
    /// <param name="progress">Told what it does.</param>
    /// <returns>What lies where now, in sentences.</returns>
    /// <exception cref="ImpossiblePlanException">There is nothing to undo, or its journal cannot be read.</exception>
    /// <exception cref="RefusedInputException">Something could not be changed back.</exception>
    public IReadOnlyList<string> RollBack(TreeJournalHead which, IProgress<RestoreProgress>? progress)
    {
        ArgumentNullException.ThrowIfNull(which);
        try
        {
            return Undo(Interrupted?.Id == which.Id ? OpenPath : KeptPath, progress);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedInputException($"not everything could be put back: {e.Message}", $"cure that, or run it as a user who may write there, and give the same command again: pitr restore {service.Name} {Option} --roll-back", e);
        }
    }

    /// <summary>Removes what the last restore that succeeded has kept, for good; there is no way back then.</summary>
    /// <returns>What was removed, in sentences.</returns>
    /// <exception cref="ImpossiblePlanException">Nothing is kept, or its journal cannot be read.</exception>
    /// <exception cref="ConflictException">Something could not be removed.</exception>
    public IReadOnlyList<string> RemoveOld()
    {
        _ = RequireKept("remove");
        IReadOnlyList<string> said;
        using (var journal = Open(KeptPath))
        using (var root = OpenDirectory.OpenRoot())
        using (var kept = new KeptFiles(journal, root))
        {
            said = Guarded(kept.Remove);
        }

        RemoveJournal(KeptPath);
        return said;
    }

    /// <inheritdoc/>
    public void Dispose() => _lock?.Dispose();

    RolledBackException After(Exception cause, IProgress<RestoreProgress>? progress)
    {
        var reason = cause is OperationCanceledException ? "interrupted" : cause.Message;
        if (cause is IOException or UnauthorizedAccessException)
        {
            cause = new RefusedInputException($"the restore ended: {reason}", "make room, or run it as a user who may write there, and give the same command again", cause);
        }

        var hint = cause switch { OperationException operation => operation.Hint, StorageException storage => storage.Hint, _ => null };
        try
        {
            return new RolledBackException($"{reason}\nrolled back: {string.Join("; ", Undo(OpenPath, progress))}", hint, cause);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or OperationException)
        {
            return new RolledBackException($"{reason}\nrolling back failed: {e.Message}", $"cure that, then: pitr restore {service.Name} {Option} --roll-back", cause);
        }
    }

    IReadOnlyList<string> Undo(string path, IProgress<RestoreProgress>? progress)
    {
        progress?.Report(new RestoreProgress("putting back what was there", 0, 0));
        IReadOnlyList<string> said;
        using (var journal = Open(path))
        using (var root = OpenDirectory.OpenRoot())
        using (var undo = new FilesUndo(journal, root, Step))
        {
            said = Guarded(undo.Run);
        }

        RemoveJournal(path);
        return said;
    }

    void RemoveJournal(string path)
    {
        Step?.Invoke();
        File.Delete(path);
        LibC.SyncDirectory(service.StateDirectory);
    }

    TreeJournalHead? ReadHead(string path)
    {
        using var journal = TryOpen(path);
        return journal?.Head;
    }

    TreeJournalReader Open(string path) => TryOpen(path) ?? throw new FileNotFoundException($"{path} is gone");

    TreeJournalReader? TryOpen(string path) => Guarded(() => TreeJournalReader.TryOpen(path), path);

    static T Guarded<T>(Func<T> read, string what = "its journal")
    {
        try
        {
            return read();
        }
        catch (FormatException e)
        {
            throw new ImpossiblePlanException(
                $"{what} says what a restore in place has changed, and cannot be read: {e.Message}", "names that end with .before-… are what was there before: move them back by hand, then remove the journal", e);
        }
    }
}
