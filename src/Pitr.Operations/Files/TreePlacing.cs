using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Pitr.Format.Manifests;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Files;

/// <summary>
/// Gives what is whole its name. Never over something that is there: that keeps lying beside it under another name, if the restore is one in place, and else ends the restore.
/// </summary>
/// <param name="inPlace">Whether what is there may be moved aside.</param>
/// <param name="result">Counts what was.</param>
sealed class TreePlacing(bool inPlace, FilesRestored result)
{
    const int LongestName = 255;
    const int MostAside = 1000;

    /// <summary>Renames what is whole.</summary>
    /// <param name="directory">Where it is.</param>
    /// <param name="temporary">Its name until now.</param>
    /// <param name="name">Its name from now on.</param>
    /// <param name="path">For messages.</param>
    /// <exception cref="ConflictException">Something is there, and may not be moved.</exception>
    /// <exception cref="IOException">It cannot be renamed.</exception>
    public void Place(SafeFileHandle directory, byte[] temporary, byte[] name, string path)
    {
        if (TryRename(directory, temporary, name))
        {
            return;
        }

        var error = Marshal.GetLastPInvokeError();
        if (error != TreeCalls.Exists)
        {
            throw TreeError.Of(error, "cannot be given its name", path);
        }

        RequireInPlace(path);
        // At every moment one of the two has the name.
        if (TreeCalls.RenameAt(directory, temporary, directory, name, TreeCalls.Exchange) == 0)
        {
            MoveAside(directory, temporary, name, path);
            return;
        }

        MoveAside(directory, name, name, path);
        if (!TryRename(directory, temporary, name))
        {
            throw TreeError.Last("cannot be given its name", path);
        }
    }

    /// <summary>Makes way for what cannot be made under another name first: a directory.</summary>
    /// <exception cref="ConflictException">Something is there, and may not be moved.</exception>
    public void MakeWay(SafeFileHandle directory, byte[] name, string path)
    {
        RequireInPlace(path);
        MoveAside(directory, name, name, path);
    }

    void RequireInPlace(string path)
    {
        if (!inPlace)
        {
            throw new ConflictException($"{path} is there already", "somebody else writes into the directory, or the manifest names a path twice; restore into a new directory");
        }
    }

    // File systems that do not know how to refuse are asked first; nobody else may place something there in between, or it is lost.
    static bool TryRename(SafeFileHandle directory, byte[] from, byte[] to)
    {
        if (TreeCalls.RenameAt(directory, from, directory, to, TreeCalls.NoReplace) == 0)
        {
            return true;
        }

        if (Marshal.GetLastPInvokeError() is not (TreeCalls.InvalidArgument or TreeCalls.NotImplemented))
        {
            return false;
        }

        if (TreeCalls.StatX(directory, to, TreeCalls.NoFollow, TreeCalls.BasicStatus, out _) == 0)
        {
            Marshal.SetLastPInvokeError(TreeCalls.Exists);
            return false;
        }

        return TreeCalls.RenameAt(directory, from, directory, to, 0) == 0;
    }

    void MoveAside(SafeFileHandle directory, byte[] from, byte[] name, string path)
    {
        for (var attempt = 0; ; attempt++)
        {
            if (TryRename(directory, from, AsideName(name, attempt)))
            {
                result.Aside++;
                return;
            }

            if (Marshal.GetLastPInvokeError() != TreeCalls.Exists || attempt == MostAside)
            {
                throw TreeError.Last($"is there and could not be moved aside; it lies there as {EscapedBytes.ToText(from.AsSpan(0, from.Length - 1))}", path);
            }
        }
    }

    byte[] AsideName(byte[] name, int attempt)
    {
        var suffix = Encoding.ASCII.GetBytes(attempt == 0 ? $"{result.AsideSuffix}\0" : string.Create(CultureInfo.InvariantCulture, $"{result.AsideSuffix}.{attempt}\0"));
        return [.. name.AsSpan(0, Math.Min(name.Length - 1, LongestName - suffix.Length + 1)), .. suffix];
    }
}
