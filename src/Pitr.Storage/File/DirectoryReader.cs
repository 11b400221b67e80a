using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Storage.File;

/// <summary>Reads the names of an open directory: opendir(3), readdir(3).</summary>
sealed class DirectoryReader(FileErrors errors)
{
    static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The entries of an open directory, in no order; none when it was removed meanwhile.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="key">What is listed, for messages.</param>
    /// <param name="path">The directory's path, for messages.</param>
    /// <param name="unfinished">Whether to give unfinished objects instead of what can be part of a key.</param>
    public List<DirectoryEntry> Read(SafeFileHandle directory, string? key, string path, bool unfinished) => Read(
        directory,
        key,
        path,
        entry => KeyPart(NameOf(entry)) is { } name
            && name.StartsWith(ObjectKey.ReservedPrefix, StringComparison.Ordinal) == unfinished
            ? TryClassify(directory, name, path, Marshal.ReadByte(entry, LibC.DirentType))
            : null);

    /// <summary>All names in an open directory but its own and its parent's, in no order; none when it was removed meanwhile.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="key">What is listed, for messages.</param>
    /// <param name="path">The directory's path, for messages.</param>
    /// <returns>Each name, null where its bytes are no text, and a form of it that can be shown.</returns>
    public List<(string? Name, string Printable)> ReadAll(SafeFileHandle directory, string? key, string path) => Read(
        directory,
        key,
        path,
        entry => NameOf(entry) switch
        {
            "." or ".." => null,
            { } name => (name, Printable(name, char.IsControl)),
            null => ((string?, string)?)(null, Printable(Encoding.Latin1.GetString(BytesOf(entry)), c => char.IsControl(c) || !char.IsAscii(c))),
        });

    List<T> Read<T>(SafeFileHandle directory, string? key, string path, Func<nint, T?> choose)
        where T : struct
    {
        // A descriptor of its own: the stream owns the one it is given, and reading moves its position.
        var descriptor = LibC.OpenAt(directory, ".", LibC.O_RDONLY | LibC.O_DIRECTORY | LibC.O_CLOEXEC, 0);
        if (descriptor < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            return errno == LibC.ENOENT ? [] : throw errors.From(errno, key, "cannot list the directory", path);
        }

        var stream = LibC.OpenDirectoryStream(descriptor);
        if (stream == 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            LibC.Close(descriptor);
            throw errors.From(errno, key, "cannot list the directory", path);
        }

        try
        {
            var entries = new List<T>();
            while (true)
            {
                var entry = LibC.ReadDirectory(stream);
                if (entry == 0)
                {
                    var errno = Marshal.GetLastPInvokeError();
                    return errno switch
                    {
                        0 => entries,
                        LibC.ENOENT => [],
                        _ => throw errors.From(errno, key, "cannot list the directory", path),
                    };
                }

                if (choose(entry) is { } chosen)
                {
                    entries.Add(chosen);
                }
            }
        }
        finally
        {
            LibC.CloseDirectoryStream(stream);
        }
    }

    static ReadOnlySpan<byte> BytesOf(nint entry)
    {
        unsafe
        {
            return MemoryMarshal.CreateReadOnlySpanFromNullTerminated((byte*)entry + LibC.DirentName);
        }
    }

    // Null when it is no text.
    static string? NameOf(nint entry)
    {
        try
        {
            return StrictUtf8.GetString(BytesOf(entry));
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    // Names that no key can have were not put here by us and are left alone.
    static string? KeyPart(string? name) =>
        name is null or "." or ".." || !(name.StartsWith(ObjectKey.ReservedPrefix, StringComparison.Ordinal) || ObjectKey.IsValid(name)) ? null : name;

    static string Printable(string name, Predicate<char> hides) => string.Concat(name.Select(c => hides(c) ? $"\\x{(int)c:X2}" : c.ToString()));

    DirectoryEntry? TryClassify(SafeFileHandle directory, string name, string path, byte type)
    {
        if (type != LibC.DT_UNKNOWN)
        {
            return new DirectoryEntry(name, type == LibC.DT_DIR, type == LibC.DT_REG);
        }

        return errors.TryStat(directory, name, key: null, $"{path}/{name}", out var status)
            ? new DirectoryEntry(name, status.IsDirectory, status.IsRegularFile)
            : null;
    }
}
