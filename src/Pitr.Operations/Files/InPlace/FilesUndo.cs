using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Pitr.Format.Manifests;

namespace Pitr.Operations.Files.InPlace;

/// <summary>
/// Undoes a restore of files in place, however far it had come, by its journal alone; may be killed at any point and begun again. What was there gets its name again. What was restored is in the
/// backup and is removed, unless somebody has changed it since: then it keeps lying beside its place under another name.
/// </summary>
/// <param name="journal">Of the restore.</param>
/// <param name="root">What stands for /, open.</param>
/// <param name="step">For tests: called before each change of what is there.</param>
sealed class FilesUndo(TreeJournalReader journal, SafeFileHandle root, Action? step) : IDisposable
{
    readonly UndoHandles _handles = new(journal, root);
    readonly UndoReport _report = new();

    TreeJournalHead Head => journal.Head;

    /// <summary>Does it.</summary>
    /// <returns>What lies where now, in sentences.</returns>
    /// <exception cref="IOException">Something cannot be changed back; it may be tried again.</exception>
    /// <exception cref="FormatException">The journal is damaged.</exception>
    public IReadOnlyList<string> Run()
    {
        foreach (var entry in journal.Batches().SelectMany(batch => batch))
        {
            Undo(entry);
        }

        foreach (var directory in journal.Noted.Where(d => d.IsTouched))
        {
            RemoveTemporary(directory);
        }

        foreach (var directory in journal.Noted.Reverse().Where(d => d.IsTouched))
        {
            if (directory.Former is { } former)
            {
                ChangeBack(directory, former);
            }
            else
            {
                Remove(directory);
            }
        }

        Sync();
        return _report.ToSentences();
    }

    /// <inheritdoc/>
    public void Dispose() => _handles.Dispose();

    void Undo(TreeJournalEntry entry)
    {
        var path = journal.PathOf(entry.Directory, entry.Name);
        if (_handles.TryOpen(entry.Directory) is not { } within)
        {
            if (entry.Former is not null)
            {
                _report.Gone(path);
            }

            return;
        }

        var atName = TreeNames.Look(within, entry.Name, path);
        var atTemporary = TreeNames.Look(within, entry.Temporary, path);
        var isWaiting = atTemporary is { } waiting && entry.Restored.Is(waiting);
        if (entry.Former is not { } former)
        {
            // Where it still waits under its temporary name, whatever has the name is somebody else's.
            if (!isWaiting && atName is { } placed)
            {
                _report.Removed += Remove(within, entry, entry.Name, placed, entry.RestoredChanged, path) ? 1 : 0;
            }

            return;
        }

        var aside = TreeNames.Beside(entry.Name, Head.Before, entry.Attempt);
        var atAside = TreeNames.Look(within, aside, path);
        // What was exchanged for the restored is what was there, whoever had put it there in the last moment.
        if (atTemporary is not null && !isWaiting)
        {
            PutBack(within, entry, entry.Temporary, atName, path);
        }
        else if (atAside is { } kept && former.Is(kept))
        {
            PutBack(within, entry, aside, atName, path);
        }
        else if (atName is { } there && former.Is(there))
        {
            // Put back by a way back that was interrupted before it had removed the other.
            if (atAside is { } left && entry.Restored.Is(left))
            {
                _ = Remove(within, entry, aside, left, changed: null, path);
            }
        }
        else if (!isWaiting)
        {
            _report.Gone(path);
        }
    }

    void PutBack(SafeFileHandle within, TreeJournalEntry entry, byte[] from, TreeStatus? atName, string path)
    {
        if (atName is { } there)
        {
            step?.Invoke();
            if (!entry.Restored.IsUnchanged(there, entry.RestoredChanged))
            {
                Keep(within, entry.Name, entry.Name, path);
            }
            else if (TreeNames.TryExchange(within, from, entry.Name, path))
            {
                // Its time of change is that of this exchange.
                if (TreeNames.Look(within, from, path) is { } restored)
                {
                    _ = Remove(within, entry, from, restored, changed: null, path);
                }

                _report.Back++;
                return;
            }
            else
            {
                // A file system that cannot exchange.
                _ = Remove(within, entry, entry.Name, there, entry.RestoredChanged, path);
            }
        }

        step?.Invoke();
        if (!TreeNames.TryRename(within, from, entry.Name))
        {
            throw TreeError.Last("could not be given its name again", path);
        }

        _report.Back++;
    }

    // What nobody has changed since is in the backup. False: somebody has, and it is kept.
    bool Remove(SafeFileHandle within, TreeJournalEntry entry, byte[] name, in TreeStatus there, TreeTime? changed, string path)
    {
        step?.Invoke();
        if (!entry.Restored.IsUnchanged(there, changed))
        {
            Keep(within, name, entry.Name, path);
            return false;
        }

        return TreeCalls.UnlinkAt(within, name, 0) == 0 || Marshal.GetLastPInvokeError() == TreeCalls.NoEntry ? true : throw TreeError.Last("could not be removed", path);
    }

    void Keep(SafeFileHandle within, byte[] from, byte[] name, string path) =>
        _report.Keep(path[..^TreeNames.Text(name).Length] + TreeNames.Text(TreeNames.MoveBeside(within, from, name, Head.Undone, path)));

    // Nothing under such a name is needed any more: what was there has its own name again.
    void RemoveTemporary(TreeJournalDirectory directory)
    {
        if (_handles.TryOpen(directory.Number) is not { } within)
        {
            return;
        }

        var (path, prefix) = ("/" + journal.Directories[directory.Number].Path, System.Text.Encoding.ASCII.GetBytes(Head.Temporary));
        foreach (var name in OpenDirectory.ReadNames(within, path).Where(n => n.AsSpan().StartsWith(prefix)))
        {
            step?.Invoke();
            if (TreeCalls.UnlinkAt(within, name, 0) != 0 && Marshal.GetLastPInvokeError() != TreeCalls.NoEntry)
            {
                throw TreeError.Last($"holds {TreeNames.Text(name)}, which could not be removed", path);
            }
        }
    }

    void Remove(TreeJournalDirectory directory)
    {
        var path = "/" + journal.Directories[directory.Number].Path;
        if (_handles.TryOpen(directory.Parent) is not { } within)
        {
            return;
        }

        var aside = TreeNames.Beside(directory.Name, Head.Before, directory.Attempt);
        var isAside = directory.InTheWay is { } former && TreeNames.Look(within, aside, path) is { } kept && former.Is(kept);
        var there = TreeNames.Look(within, directory.Name, path);
        var isOurs = there is { Type: TreeCalls.DirectoryType } found && directory.Made != 0 && (directory.Made is not { } made || made == found.Inode);
        // Whatever else has the name while what was there is aside is in its way.
        if (there is not null && (isOurs || isAside))
        {
            RemoveOrKeep(within, directory, isOurs, isAside, path);
        }

        if (isAside)
        {
            step?.Invoke();
            if (!TreeNames.TryRename(within, aside, directory.Name))
            {
                throw TreeError.Last("could not be given its name again", path);
            }

            _report.Back++;
        }
    }

    void RemoveOrKeep(SafeFileHandle within, TreeJournalDirectory directory, bool isOurs, bool isAside, string path)
    {
        step?.Invoke();
        if (isOurs && TreeCalls.UnlinkAt(within, directory.Name, TreeCalls.RemoveDirectory) == 0)
        {
            _report.Removed++;
            return;
        }

        if (isOurs && Marshal.GetLastPInvokeError() is TreeCalls.NoEntry)
        {
            return;
        }

        // Without its number nobody knows whether the restore made it, or somebody else at the same time.
        if (directory.Made is null && !isAside)
        {
            _report.Leave(path);
            return;
        }

        Keep(within, directory.Name, directory.Name, path);
    }

    void ChangeBack(TreeJournalDirectory directory, in TreeIdentity former)
    {
        var path = "/" + journal.Directories[directory.Number].Path;
        if (_handles.TryOpen(directory.Number) is not { } opened || TreeCalls.StatX(opened, "\0"u8, TreeCalls.EmptyPath, TreeCalls.BasicStatus, out var status) != 0 || !former.Is(status))
        {
            _report.Gone(path);
            return;
        }

        step?.Invoke();
        if ((status.Owner != former.Owner || status.Group != former.Group) && TreeCalls.SetOwnerAt(opened, "\0"u8, former.Owner, former.Group, TreeCalls.EmptyPath) != 0)
        {
            throw TreeError.Last("could not be given its owner again", path);
        }

        ChangeAttributesBack(opened, directory.Attributes, path);
        // Owner and access control lists change it, too.
        var permissions = (uint)former.Mode & 0xFFF;
        if (TreeCalls.StatX(opened, "\0"u8, TreeCalls.EmptyPath, TreeCalls.BasicStatus, out status) == 0 && status.Permissions != permissions && TreeCalls.SetMode(opened, permissions) != 0)
        {
            throw TreeError.Last("could not be given its mode again", path);
        }

        if (former.Modified == new TreeTime(status.ModifiedSeconds, status.ModifiedNanoseconds)
            || TreeCalls.SetTimes(opened, TreeOwnership.Times(former.Modified.Seconds, former.Modified.Nanoseconds)) == 0)
        {
            return;
        }

        // Of a directory of others in which this user may write.
        if (Marshal.GetLastPInvokeError() != TreeCalls.NotPermitted)
        {
            throw TreeError.Last("could not be given its time again", path);
        }

        _report.KeepTime(path);
    }

    static void ChangeAttributesBack(SafeFileHandle opened, IReadOnlyList<FileAttribute> former, string path)
    {
        var now = TreeAttributes.Read(opened, path);
        foreach (var attribute in now.Where(a => former.All(f => f.Name != a.Name)))
        {
            if (!TreeAttributes.TryRemove(opened, attribute))
            {
                throw TreeError.Last($"has the attribute {attribute.Name}, which could not be taken away again", path);
            }
        }

        foreach (var attribute in former.Where(f => now.FirstOrDefault(a => a.Name == f.Name) is not { } same || !same.Value.AsSpan().SequenceEqual(f.Value)))
        {
            if (!TreeAttributes.TrySet(opened, attribute))
            {
                throw TreeError.Last($"could not be given its attribute {attribute.Name} again", path);
            }
        }
    }

    // Before the journal goes.
    void Sync()
    {
        var devices = new HashSet<ulong>();
        foreach (var directory in journal.Noted.Where(d => d.IsTouched))
        {
            if (_handles.TryOpen(directory.Number) is { } opened
                && TreeCalls.StatX(opened, "\0"u8, TreeCalls.EmptyPath, TreeCalls.BasicStatus, out var status) == 0 && devices.Add(status.Device)
                && TreeCalls.SyncFileSystem(opened) != 0)
            {
                throw TreeError.Last("could not be made durable", "/" + journal.Directories[directory.Number].Path);
            }
        }
    }
}
