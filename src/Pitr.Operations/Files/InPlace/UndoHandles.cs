using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Operations.Files.InPlace;

/// <summary>
/// Directories that are changed back: opened one in the other, never through a link. Whoever is not root may have got modes from the backup that keep him out of his own directories: they let him in first, and get
/// their modes at the end.
/// </summary>
/// <param name="journal">Names them.</param>
/// <param name="root">What stands for /, open.</param>
sealed class UndoHandles(TreeJournalReader journal, SafeFileHandle root) : IDisposable
{
    const uint Owners = 0x1C0;

    readonly TreeHandles _handles = new(journal.Directories, root);
    readonly HashSet<int> _letIn = [];
    readonly uint _user = LibC.EffectiveUser();

    /// <summary>Opens one, so that names in it can be changed.</summary>
    /// <returns>Null when it is not there any more.</returns>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public SafeFileHandle? TryOpen(int number)
    {
        if (_user != 0 && journal.DirectoryOf(number) is { Parent: >= 0 } noted && _letIn.Add(number))
        {
            LetIn(noted);
        }

        if (_handles.TryOpen(number) is { } opened)
        {
            return opened;
        }

        return Marshal.GetLastPInvokeError() is TreeCalls.NoEntry or TreeCalls.NotDirectory or TreeCalls.TooManyLinks ? null : throw TreeError.Last("cannot be opened", "/" + journal.Directories[number].Path);
    }

    /// <inheritdoc/>
    public void Dispose() => _handles.Dispose();

    void LetIn(TreeJournalDirectory noted)
    {
        if (TryOpen(noted.Parent) is not { } parent || !noted.IsTouched)
        {
            return;
        }

        // Opened without reading it, which its mode may not allow.
        using var directory = TreeCalls.OpenAt(parent, noted.Name, TreeCalls.OnlyPath | TreeCalls.OnlyDirectory | TreeCalls.NoLinks | TreeCalls.CloseOnExec, 0);
        if (!directory.IsInvalid && TreeCalls.StatX(directory, "\0"u8, TreeCalls.EmptyPath, TreeCalls.BasicStatus, out var status) == 0
            && status.Owner == _user && (status.Permissions & Owners) != Owners)
        {
            // What it does not do shows when the directory is opened or changed.
            _ = TreeCalls.SetModeOf(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{directory.DangerousGetHandle()}\0")), (uint)status.Permissions | Owners);
        }
    }
}
