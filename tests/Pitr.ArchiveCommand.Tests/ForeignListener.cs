using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Pitr.ArchiveCommand.Tests;

/// <summary>A listening socket that belongs to another user. Needs root.</summary>
static partial class ForeignListener
{
    const int SysSetresuid = 117; // x86-64
    const int SysSetresuidArm64 = 147;

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint real, nint effective, nint saved);

    internal static Socket Listen(string path, uint userId)
    {
        Socket? listener = null;
        Exception? failure = null;
        // The raw call changes the calling thread alone, where the C library's function would change the whole process.
        var thread = new Thread(() => failure = Record.Exception(() =>
        {
            ChangeUser((int)userId);
            try
            {
                listener = AgentDouble.Listen(path);
            }
            finally
            {
                ChangeUser(0);
            }
        }));
        thread.Start();
        thread.Join();
        return listener ?? throw new InvalidOperationException("could not listen as another user", failure);
    }

    static void ChangeUser(int effective)
    {
        var number = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? SysSetresuidArm64 : SysSetresuid;
        if (syscall(number, -1, effective, -1) != 0)
        {
            throw new InvalidOperationException($"setresuid: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }
}
