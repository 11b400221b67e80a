using Microsoft.Win32.SafeHandles;

namespace Pitr.Operations.Files;

/// <summary>
/// Directories of a restore that one thread has open: each was opened in the one it lies in, from the root on and never through a link, so that nothing is written outside of the root. A handle stays open
/// until some others were asked for.
/// </summary>
/// <param name="directories">The directories, each by its number.</param>
/// <param name="root">What stands for /, open.</param>
sealed class TreeHandles(IReadOnlyList<TreePlanDirectory> directories, SafeFileHandle root) : IDisposable
{
    const int Kept = 128;

    readonly (int Number, SafeFileHandle Handle)?[] _open = new (int, SafeFileHandle)?[Kept];

    /// <summary>A directory by its number.</summary>
    /// <exception cref="IOException">It cannot be opened, or is a link.</exception>
    public SafeFileHandle Open(int number) => TryOpen(number) ?? throw TreeError.Last("cannot be opened", "/" + directories[number].Path);

    /// <summary>The same; null when it cannot be opened, of which the last error says why.</summary>
    public SafeFileHandle? TryOpen(int number)
    {
        if (number == 0)
        {
            return root;
        }

        ref var place = ref _open[number % Kept];
        if (place is { } known && known.Number == number)
        {
            return known.Handle;
        }

        var directory = directories[number];
        if (TryOpen(directory.Parent) is not { } parent)
        {
            return null;
        }

        var opened = OpenDirectory.Open(parent, directory.Name);
        if (opened.IsInvalid)
        {
            opened.Dispose();
            return null;
        }

        place?.Handle.Dispose();
        place = (number, opened);
        return opened;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var open in _open)
        {
            open?.Handle.Dispose();
        }
    }
}
