using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Pitr.Format.Manifests;

namespace Pitr.Operations.Files;

/// <summary>Extended attributes of files, and with them access control lists (xattr(7)).</summary>
static class TreeAttributes
{
    // XATTR_LIST_MAX and XATTR_SIZE_MAX of the kernel.
    const int Largest = 64 << 10;

    /// <summary>Reads those of an open file or directory.</summary>
    /// <exception cref="IOException">They cannot be read.</exception>
    public static IReadOnlyList<FileAttribute> Read(SafeFileHandle file, string path)
    {
        // Most have none: asked without a buffer first.
        if (TreeCalls.ListAttributes(file, [], 0) is 0)
        {
            return [];
        }

        var buffer = ArrayPool<byte>.Shared.Rent(2 * Largest);
        try
        {
            var names = buffer.AsSpan(0, Largest);
            var length = Checked(TreeCalls.ListAttributes(file, names, names.Length), path);
            var attributes = new List<FileAttribute>();
            foreach (var name in Split(names[..length]))
            {
                var value = buffer.AsSpan(Largest, Largest);
                var size = TreeCalls.GetAttribute(file, name, value, value.Length);
                Add(attributes, name, value, size, path);
            }

            return attributes;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Reads those of a link, or of what must not be opened.</summary>
    /// <exception cref="IOException">They cannot be read.</exception>
    public static IReadOnlyList<FileAttribute> ReadAt(SafeFileHandle directory, ReadOnlySpan<byte> name, string path)
    {
        var place = PathOf(directory, name);
        if (TreeCalls.ListAttributesOf(place, [], 0) is 0)
        {
            return [];
        }

        var buffer = ArrayPool<byte>.Shared.Rent(2 * Largest);
        try
        {
            var names = buffer.AsSpan(0, Largest);
            var length = Checked(TreeCalls.ListAttributesOf(place, names, names.Length), path);
            var attributes = new List<FileAttribute>();
            foreach (var attribute in Split(names[..length]))
            {
                var value = buffer.AsSpan(Largest, Largest);
                var size = TreeCalls.GetAttributeOf(place, attribute, value, value.Length);
                Add(attributes, attribute, value, size, path);
            }

            return attributes;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Sets one of an open file or directory.</summary>
    /// <returns>Whether it could be set here.</returns>
    public static bool TrySet(SafeFileHandle file, FileAttribute attribute) =>
        TreeCalls.SetAttribute(file, NameOf(attribute), attribute.Value, attribute.Value.Length, 0) == 0;

    /// <summary>Sets one of a link, or of what must not be opened.</summary>
    /// <returns>Whether it could be set here.</returns>
    public static bool TrySetAt(SafeFileHandle directory, ReadOnlySpan<byte> name, FileAttribute attribute) =>
        TreeCalls.SetAttributeOf(PathOf(directory, name), NameOf(attribute), attribute.Value, attribute.Value.Length, 0) == 0;

    /// <summary>Takes one away from an open file or directory.</summary>
    /// <returns>Whether it could be taken away here.</returns>
    public static bool TryRemove(SafeFileHandle file, FileAttribute attribute) => TreeCalls.RemoveAttribute(file, NameOf(attribute)) == 0;

    static byte[] NameOf(FileAttribute attribute) => [.. EscapedBytes.ToBytes(attribute.Name), 0];

    // The calls for a name in an open directory are newer than the kernels that pitr runs on. The last part is not followed.
    static byte[] PathOf(SafeFileHandle directory, ReadOnlySpan<byte> name) =>
        [.. TreeCalls.PathOf(directory).AsSpan()[..^1], (byte)'/', .. name];

    static List<byte[]> Split(ReadOnlySpan<byte> names)
    {
        var split = new List<byte[]>();
        while (names.IndexOf((byte)0) is > 0 and var end)
        {
            split.Add(names[..(end + 1)].ToArray());
            names = names[(end + 1)..];
        }

        return split;
    }

    // A file system without attributes has none.
    static int Checked(nint length, string path) => length >= 0 ? (int)length
        : Marshal.GetLastPInvokeError() is TreeCalls.NotSupported or TreeCalls.NoEntry or TreeCalls.NotDirectory ? 0 : throw TreeError.Last("has attributes that cannot be listed", path);

    static void Add(List<FileAttribute> attributes, byte[] name, ReadOnlySpan<byte> value, nint size, string path)
    {
        if (size >= 0)
        {
            attributes.Add(new FileAttribute(EscapedBytes.ToText(name.AsSpan(0, name.Length - 1)), value[..(int)size].ToArray()));
        }
        else if (Marshal.GetLastPInvokeError() is not (TreeCalls.NoData or TreeCalls.NotSupported))
        {
            // It was taken away meanwhile, or is one that only its file system knows to read.
            throw TreeError.Last($"has the attribute {EscapedBytes.ToText(name.AsSpan(0, name.Length - 1))}, which cannot be read", path);
        }
    }
}
