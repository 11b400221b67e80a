using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Operations.Files;

/// <summary>Names beside a place, and renaming that never replaces anything.</summary>
static class TreeNames
{
    const int LongestName = 255;
    const int MostAside = 1000;

    /// <summary>The name beside a place: cut where it would be too long, and with a number from the second attempt on.</summary>
    /// <param name="name">With a zero at its end.</param>
    /// <param name="suffix">What is put behind it, ASCII.</param>
    /// <param name="attempt">From 0.</param>
    /// <returns>With a zero at its end.</returns>
    public static byte[] Beside(byte[] name, string suffix, int attempt)
    {
        var end = Encoding.ASCII.GetBytes(attempt == 0 ? $"{suffix}\0" : string.Create(CultureInfo.InvariantCulture, $"{suffix}.{attempt}\0"));
        return [.. name.AsSpan(0, Math.Min(name.Length - 1, LongestName - end.Length + 1)), .. end];
    }

    /// <summary>Tells what has a name; null when nothing has.</summary>
    /// <exception cref="IOException">It cannot be looked at.</exception>
    public static TreeStatus? Look(SafeFileHandle directory, byte[] name, string path)
    {
        if (TreeCalls.StatX(directory, name, TreeCalls.NoFollow, TreeCalls.BasicStatus, out var status) == 0)
        {
            return status;
        }

        return Marshal.GetLastPInvokeError() == TreeCalls.NoEntry ? null : throw TreeError.Last("cannot be looked at", path);
    }

    /// <summary>The first attempt whose name nothing has.</summary>
    /// <exception cref="IOException">The directory cannot be looked at, or has too many of them.</exception>
    public static int FirstFree(SafeFileHandle directory, byte[] name, string suffix, string path)
    {
        for (var attempt = 0; attempt <= MostAside; attempt++)
        {
            if (Look(directory, Beside(name, suffix, attempt), path) is null)
            {
                return attempt;
            }
        }

        throw new IOException($"{path} has no name left beside it that ends with {suffix}");
    }

    /// <summary>Renames; where something has the name, it fails with that error.</summary>
    /// <returns>Whether it could; the last error says why not.</returns>
    // File systems that do not know how to refuse are asked first; nobody else may place something there in between, or it is lost.
    public static bool TryRename(SafeFileHandle directory, byte[] from, byte[] to)
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

    /// <summary>Exchanges what two names stand for, in one step.</summary>
    /// <returns>False where the file system cannot.</returns>
    /// <exception cref="IOException">Another error.</exception>
    public static bool TryExchange(SafeFileHandle directory, byte[] one, byte[] other, string path)
    {
        if (TreeCalls.RenameAt(directory, one, directory, other, TreeCalls.Exchange) == 0)
        {
            return true;
        }

        return Marshal.GetLastPInvokeError() is TreeCalls.InvalidArgument or TreeCalls.NotImplemented or TreeCalls.NoEntry ? false : throw TreeError.Last("cannot be given its name", path);
    }

    /// <summary>Renames to the first free name beside a place.</summary>
    /// <param name="directory">Where.</param>
    /// <param name="from">Its name until now.</param>
    /// <param name="name">The place.</param>
    /// <param name="suffix">What its name will end with.</param>
    /// <param name="path">For messages.</param>
    /// <returns>Its name from now on.</returns>
    /// <exception cref="IOException">It cannot be renamed.</exception>
    public static byte[] MoveBeside(SafeFileHandle directory, byte[] from, byte[] name, string suffix, string path)
    {
        while (true)
        {
            var to = Beside(name, suffix, FirstFree(directory, name, suffix, path));
            if (TryRename(directory, from, to))
            {
                return to;
            }

            if (Marshal.GetLastPInvokeError() != TreeCalls.Exists)
            {
                throw TreeError.Last($"cannot be moved aside as {Text(to)}", path);
            }
        }
    }

    /// <summary>A name as it is shown.</summary>
    public static string Text(byte[] name) => Format.Manifests.EscapedBytes.ToText(name.AsSpan(0, name.Length - 1));
}
