using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Operations.Dumps;

/// <summary>
/// A file in memory only (memfd_create(2)), for a tool that takes its password from a file. It has a path as long as this process lives and holds it, which the processes of the same
/// user can open; nothing is left of it when this process ends, however it ends.
/// </summary>
sealed class MemoryFile : IDisposable
{
    readonly SafeFileHandle _handle;

    /// <param name="text">What it holds.</param>
    /// <exception cref="IOException">The system gives none.</exception>
    public MemoryFile(string text)
    {
        _handle = LibC.CreateMemoryFile("pitr");
        RandomAccess.Write(_handle, Encoding.UTF8.GetBytes(text), 0);
    }

    /// <summary>Where a tool that this process starts can read it.</summary>
    public string Path => string.Create(CultureInfo.InvariantCulture, $"/proc/{Environment.ProcessId}/fd/{_handle.DangerousGetHandle()}");

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}
