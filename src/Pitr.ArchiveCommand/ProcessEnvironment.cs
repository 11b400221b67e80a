using System.Runtime.InteropServices;
using System.Text;

namespace Pitr.ArchiveCommand;

/// <summary>What this process was born with.</summary>
static unsafe class ProcessEnvironment
{
    /// <summary>The value of an environment variable; null if it is not set or empty.</summary>
    internal static string? Get(string name)
    {
        var value = Libc.getenv(name);
        return value is null || *value == 0 ? null : Marshal.PtrToStringUTF8((nint)value);
    }

    /// <summary>
    /// Makes a path absolute against the current directory, without touching the file system otherwise. Null if the current directory
    /// cannot be named in UTF-8 or at all.
    /// </summary>
    internal static string? MakeAbsolute(string path)
    {
        if (path.StartsWith('/'))
        {
            return path;
        }

        const int size = 4096;
        var buffer = stackalloc byte[size];
        if (Libc.getcwd(buffer, size) is null)
        {
            return null;
        }

        var directory = Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(buffer));
        return directory.StartsWith('/') && !directory.AsSpan().ContainsAny('\uFFFD', '\n') ? $"{directory.TrimEnd('/')}/{path}" : null;
    }
}
