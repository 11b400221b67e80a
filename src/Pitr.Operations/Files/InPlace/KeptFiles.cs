using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Files.InPlace;

/// <summary>What a restore of files in place keeps of what was there: removes it for good, by the journal, and only what nobody has changed since. May be interrupted and begun again.</summary>
/// <param name="journal">Of the restore, which succeeded.</param>
/// <param name="root">What stands for /, open.</param>
sealed class KeptFiles(TreeJournalReader journal, SafeFileHandle root) : IDisposable
{
    const int MostNames = 10;
    const uint Owners = 0x1C0;

    readonly TreeHandles _handles = new(journal.Directories, root);
    readonly List<string> _changed = [];
    readonly List<string> _failed = [];
    int _removed;
    int _changedCount;
    int _failedCount;

    /// <summary>Does it.</summary>
    /// <returns>What was removed, in sentences.</returns>
    /// <exception cref="ConflictException">Something could not be removed; it may be tried again.</exception>
    /// <exception cref="IOException">Something cannot be looked at.</exception>
    public IReadOnlyList<string> Remove()
    {
        foreach (var entry in journal.Batches().SelectMany(batch => batch))
        {
            if (entry.Former is { } former)
            {
                Remove(entry.Directory, entry.Name, former, entry.Attempt, entry.FormerChanged);
            }
        }

        foreach (var directory in journal.Noted)
        {
            if (directory.InTheWay is { } former)
            {
                Remove(directory.Parent, directory.Name, former, directory.Attempt, directory.AsideChanged);
            }
        }

        if (_failedCount > 0)
        {
            throw new ConflictException($"of what was there before could not be removed: {Names(_failed, _failedCount)}", "the user that may write there can: give the same command again as that user");
        }

        var said = new List<string> { $"{_removed} names that ended with {journal.Head.Before} are removed" };
        if (_changedCount > 0)
        {
            said.Add($"somebody has changed since, and they stay: {Names(_changed, _changedCount)}");
        }

        return said;
    }

    /// <inheritdoc/>
    public void Dispose() => _handles.Dispose();

    void Remove(int number, byte[] name, in TreeIdentity former, int attempt, TreeTime? changed)
    {
        var aside = TreeNames.Beside(name, journal.Head.Before, attempt);
        var path = journal.PathOf(number, aside);
        if (_handles.TryOpen(number) is not { } within)
        {
            if (Marshal.GetLastPInvokeError() is not (TreeCalls.NoEntry or TreeCalls.NotDirectory or TreeCalls.TooManyLinks))
            {
                Note(_failed, ref _failedCount, TreeError.Last("is in a directory that cannot be opened", path).Message);
            }

            return;
        }

        if (TreeNames.Look(within, aside, path) is not { } there)
        {
            return;
        }

        if (!(former.IsDirectory ? former.Is(there) && changed is { } then && IsOlder(within, aside, there.Device, then, path) : former.IsUnchanged(there, changed)))
        {
            Note(_changed, ref _changedCount, path);
        }
        else
        {
            _removed += RemoveFrom(within, aside, path) ? 1 : 0;
        }
    }

    // The directory was restored, with its mode and its time: a mode that keeps its owner from changing it does so again afterwards.
    bool RemoveFrom(SafeFileHandle within, byte[] aside, string path)
    {
        if (TreeCalls.StatX(within, "\0"u8, TreeCalls.EmptyPath, TreeCalls.BasicStatus, out var directory) != 0)
        {
            throw TreeError.Last("is in a directory that cannot be looked at", path);
        }

        var isOwner = LibC.EffectiveUser() is var user && (user == 0 || user == directory.Owner);
        var isClosed = isOwner && user != 0 && (directory.Permissions & Owners) != Owners && TreeCalls.SetMode(within, (uint)directory.Permissions | Owners) == 0;
        var isRemoved = TryRemove(within, aside, path);
        return (isClosed && TreeCalls.SetMode(within, (uint)directory.Permissions) != 0)
            || (isOwner && TreeCalls.SetTimes(within, TreeOwnership.Times(directory.ModifiedSeconds, directory.ModifiedNanoseconds)) != 0)
            ? throw TreeError.Last("is in a directory that could not be given its mode and its time again", path)
            : isRemoved;
    }

    // Whoever writes anything in it changes the time of change of that, or of the directory where it is.
    static bool IsOlder(SafeFileHandle within, byte[] name, ulong device, TreeTime then, string path)
    {
        if (TreeNames.Look(within, name, path) is not { } there || there.Device != device || TreeTime.ChangeOf(there).IsAfter(then))
        {
            return false;
        }

        if (there.Type != TreeCalls.DirectoryType)
        {
            return true;
        }

        using var directory = OpenDirectory.Open(within, name);
        return !directory.IsInvalid && OpenDirectory.ReadNames(directory, path).All(inner => IsOlder(directory, inner, device, then, $"{path}/{TreeNames.Text(inner)}"));
    }

    bool TryRemove(SafeFileHandle within, byte[] name, string path)
    {
        if (TreeCalls.UnlinkAt(within, name, 0) == 0)
        {
            return true;
        }

        var error = Marshal.GetLastPInvokeError();
        if (error is TreeCalls.IsDirectory or TreeCalls.NotPermitted)
        {
            using var directory = OpenDirectory.Open(within, name);
            if (!directory.IsInvalid)
            {
                return OpenDirectory.ReadNames(directory, path).All(inner => TryRemove(directory, inner, $"{path}/{TreeNames.Text(inner)}"))
                    && (TreeCalls.UnlinkAt(within, name, TreeCalls.RemoveDirectory) == 0 || Fail(Marshal.GetLastPInvokeError(), path));
            }
        }

        return error == TreeCalls.NoEntry || Fail(error, path);
    }

    bool Fail(int error, string path)
    {
        Note(_failed, ref _failedCount, TreeError.Of(error, "could not be removed", path).Message);
        return false;
    }

    static void Note(List<string> names, ref int count, string text)
    {
        count++;
        if (names.Count < MostNames)
        {
            names.Add(text);
        }
    }

    static string Names(List<string> names, int count) => $"{string.Join(", ", names)}{(count > names.Count ? $" and {count - names.Count} more" : "")}";
}
