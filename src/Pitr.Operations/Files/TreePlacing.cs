using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Pitr.Operations.Errors;
using Pitr.Operations.Files.InPlace;

namespace Pitr.Operations.Files;

/// <summary>
/// Gives what is whole its name, many at a time. Never over something that is there: in place that keeps lying beside it under another name, which is in the journal before anything is renamed; elsewhere
/// it ends the restore. For one thread.
/// </summary>
/// <param name="plan">Its directories.</param>
/// <param name="root">What stands for /, open.</param>
/// <param name="journal">Of a restore in place; null elsewhere.</param>
/// <param name="result">Counts what was.</param>
sealed class TreePlacing(TreePlan plan, SafeFileHandle root, TreeJournal? journal, FilesRestored result) : IDisposable
{
    const int AtOnce = 1024;
    const int MostLooks = 10;

    readonly TreeHandles _handles = new(plan.Directories, root);
    readonly List<Waiting> _waiting = [];
    readonly Dictionary<string, Waiting> _byPath = new(StringComparer.Ordinal);

    /// <summary>Takes what is whole; it has its name when <see cref="Flush"/> returns, or before.</summary>
    /// <param name="directory">Number of its directory.</param>
    /// <param name="temporary">Its name until now.</param>
    /// <param name="name">Its name from then on.</param>
    /// <param name="path">Of the manifest.</param>
    /// <exception cref="ConflictException">Something is there, and may not be moved.</exception>
    /// <exception cref="IOException">It cannot be renamed.</exception>
    public void Add(int directory, byte[] temporary, byte[] name, string path)
    {
        var waiting = new Waiting(directory, temporary, name, "/" + path);
        if (!_byPath.TryAdd(path, waiting))
        {
            // Named twice: the first has to have its name before the second is refused.
            Flush();
            _byPath.Add(path, waiting);
        }

        _waiting.Add(waiting);
        if (_waiting.Count == AtOnce)
        {
            Flush();
        }
    }

    /// <summary>Where something of the manifest is that may not have its name yet.</summary>
    public (int Directory, byte[] Name) PlaceOf(string path) => _byPath.TryGetValue(path, out var waiting) ? (waiting.Directory, waiting.Temporary) : plan.PlaceOf(path);

    /// <summary>Gives everything that waits its name.</summary>
    /// <inheritdoc cref="Add"/>
    public void Flush()
    {
        if (journal is not null)
        {
            PlaceInPlace([.. _waiting], looks: 1);
            _waiting.Clear();
        }

        for (; _waiting.Count > 0; _waiting.RemoveAt(_waiting.Count - 1))
        {
            var next = _waiting[^1];
            if (!TreeNames.TryRename(_handles.Open(next.Directory), next.Temporary, next.Name))
            {
                throw Marshal.GetLastPInvokeError() == TreeCalls.Exists
                    ? new ConflictException($"{next.Path} is there already", "somebody else writes into the directory, or the manifest names a path twice; restore into a new directory")
                    : TreeError.Last("cannot be given its name", next.Path);
            }
        }

        _byPath.Clear();
    }

    /// <summary>Removes what waits: the restore has failed. Not for one in place, whose journal does.</summary>
    public void Discard()
    {
        foreach (var waiting in _waiting)
        {
            if (_handles.TryOpen(waiting.Directory) is { } directory)
            {
                // What cannot be removed stays under its temporary name.
                _ = TreeCalls.UnlinkAt(directory, waiting.Temporary, 0);
            }
        }
    }

    /// <summary>Moves something aside that is in the way of a directory.</summary>
    /// <param name="within">The directory it lies in.</param>
    /// <param name="noted">The directory that is to be made, in the journal.</param>
    /// <param name="path">For messages.</param>
    /// <returns>Its time of change since then.</returns>
    /// <exception cref="IOException">It cannot be renamed.</exception>
    public TreeTime MakeWay(SafeFileHandle within, TreeJournalDirectory noted, string path)
    {
        var aside = MoveAside(within, noted.Name, noted.Name, noted.Attempt, path, attempt => journal!.DirectoryAside(noted.Number, attempt));
        result.Aside++;
        return ChangeOf(within, aside, path);
    }

    /// <inheritdoc/>
    public void Dispose() => _handles.Dispose();

    void PlaceInPlace(IReadOnlyList<Waiting> batch, int looks)
    {
        if (batch.Count == 0)
        {
            return;
        }

        var entries = batch.Select(Look).ToArray();
        journal!.Write(entries);
        var again = new List<Waiting>();
        foreach (var (entry, index) in entries.Select((e, i) => (e, i)))
        {
            var within = _handles.Open(entry.Directory);
            if (!TryPlace(within, entry, index, batch[index].Path))
            {
                again.Add(batch[index]);
            }
        }

        if (again.Count > 0 && looks == MostLooks)
        {
            throw new IOException($"{again[0].Path} cannot be given its name: somebody else changes what is there all the time");
        }

        PlaceInPlace(again, looks + 1);
    }

    TreeJournalEntry Look(Waiting waiting)
    {
        var within = _handles.Open(waiting.Directory);
        var restored = TreeNames.Look(within, waiting.Temporary, waiting.Path) ?? throw new IOException($"{waiting.Path} cannot be given its name: somebody else has removed what was made");
        var former = TreeNames.Look(within, waiting.Name, waiting.Path);
        if (former is { } there && journal!.IsItself(there))
        {
            throw new IOException($"{waiting.Path} is where pitr writes down what this restore changes; leave its state directory out with --path");
        }

        return new TreeJournalEntry(
            waiting.Directory,
            waiting.Name,
            waiting.Temporary,
            TreeIdentity.Of(restored),
            former is { } found ? TreeIdentity.Of(found) : null,
            former is null ? 0 : TreeNames.FirstFree(within, waiting.Name, journal!.Head.Before, waiting.Path));
    }

    // False: something else is there than a moment ago, and has to be looked at again.
    bool TryPlace(SafeFileHandle within, TreeJournalEntry entry, int index, string path)
    {
        TreeTime? aside = null;
        journal!.Step();
        if (entry.Former is { } former)
        {
            byte[] from;
            // At every moment one of the two has the name.
            if (TreeNames.TryExchange(within, entry.Temporary, entry.Name, path))
            {
                journal.Step();
                if (TreeNames.Look(within, entry.Temporary, path) is not { } taken || !former.Is(taken))
                {
                    return TreeNames.TryExchange(within, entry.Temporary, entry.Name, path) ? false : throw TreeError.Last("cannot be given its name", path);
                }

                from = entry.Temporary;
            }
            else if (TreeNames.Look(within, entry.Name, path) is { } there && former.Is(there))
            {
                from = entry.Name;
            }
            else
            {
                return false;
            }

            var name = MoveAside(within, from, entry.Name, entry.Attempt, path, attempt => journal.Aside(index, attempt));
            aside = ChangeOf(within, name, path);
            if (from == entry.Temporary)
            {
                result.Aside++;
                journal.Placed(index, ChangeOf(within, entry.Name, path), aside);
                return true;
            }
        }

        if (!TreeNames.TryRename(within, entry.Temporary, entry.Name))
        {
            return Marshal.GetLastPInvokeError() == TreeCalls.Exists && entry.Former is null ? false : throw TreeError.Last("cannot be given its name", path);
        }

        result.Aside += entry.Former is null ? 0 : 1;
        result.New += entry.Former is null ? 1 : 0;
        journal.Placed(index, ChangeOf(within, entry.Name, path), aside);
        return true;
    }

    byte[] MoveAside(SafeFileHandle within, byte[] from, byte[] name, int attempt, string path, Action<int> changed)
    {
        while (true)
        {
            journal!.Step();
            var aside = TreeNames.Beside(name, journal.Head.Before, attempt);
            if (TreeNames.TryRename(within, from, aside))
            {
                return aside;
            }

            if (Marshal.GetLastPInvokeError() != TreeCalls.Exists)
            {
                throw TreeError.Last("is there and could not be moved aside", path);
            }

            attempt = TreeNames.FirstFree(within, name, journal.Head.Before, path);
            changed(attempt);
        }
    }

    static TreeTime ChangeOf(SafeFileHandle within, byte[] name, string path) =>
        TreeNames.Look(within, name, path) is { } status ? TreeTime.ChangeOf(status) : throw new IOException($"{path} is gone: somebody else has changed what is there");

    sealed record Waiting(int Directory, byte[] Temporary, byte[] Name, string Path);
}
