using System.Diagnostics;
using Pitr.Operations.Agent;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Serilog.Core;

namespace Pitr.Operations.Tests.Restore;

/// <summary>The socket directory of a recovery whose process is gone goes with the next one; that of a living one stays.</summary>
public class RecoverySocketDirectoryTests
{
    [Fact]
    public async Task Only_those_of_the_dead_are_cleared_away()
    {
        var (living, dead) = (RecoverySocketDirectory.Make(Logger.None), RecoverySocketDirectory.Make(Logger.None));
        await using (ArchiveSocket.Listen(RecoverySocketDirectory.SocketIn(living), (_, _) => Task.FromResult(new ArchiveResponse(0, "")), Logger.None))
        {
            // A kill leaves both files, and no lock.
            await File.WriteAllTextAsync(RecoverySocketDirectory.SocketIn(dead), "");
            await File.WriteAllTextAsync(RecoverySocketDirectory.SocketIn(dead) + ".lock", "");
            var young = RecoverySocketDirectory.Make(Logger.None);
            Assert.Equal((true, false, true), (Directory.Exists(living), Directory.Exists(dead), Directory.Exists(young)));
            Directory.Delete(young);
        }

        RecoverySocketDirectory.Remove(living);
        Assert.False(Directory.Exists(living));
    }

    [Fact]
    public void One_that_another_process_removed_first_is_removed()
    {
        var directory = RecoverySocketDirectory.Make(Logger.None);
        Directory.Delete(directory);

        RecoverySocketDirectory.Remove(directory);
    }

    [Fact]
    public async Task A_process_that_is_killed_frees_it()
    {
        var directory = RecoverySocketDirectory.Make(Logger.None);
        var held = ArchiveSocket.LockOf(RecoverySocketDirectory.SocketIn(directory));
        using var holder = Process.Start(new ProcessStartInfo("/usr/bin/flock", ["--no-fork", held, "/bin/sleep", "600"]) { UseShellExecute = false })!;
        try
        {
            await Eventually.UntilAsync(() => File.Exists(held) && IsHeld(held));
            RecoverySocketDirectory.ClearLeft(Logger.None);
            Assert.True(Directory.Exists(directory));
        }
        finally
        {
            holder.Kill();
            await holder.WaitForExitAsync();
        }

        RecoverySocketDirectory.ClearLeft(Logger.None);
        Assert.False(Directory.Exists(directory));
    }

    static bool IsHeld(string file)
    {
        using var taken = StateFile.TryLock(file);
        return taken is null;
    }
}
