using System.Runtime.InteropServices;

namespace Pitr.Operations.Files;

/// <summary>Errors of the C library about what has a place in a tree.</summary>
static class TreeError
{
    /// <summary>The error of the last call.</summary>
    public static IOException Last(string what, string path) => Of(Marshal.GetLastPInvokeError(), what, path);

    /// <summary>An error by its number.</summary>
    public static IOException Of(int error, string what, string path) => new($"{path} {what}: {Marshal.GetPInvokeErrorMessage(error)}");
}
