using System.Globalization;
using System.Text;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;

namespace Pitr.Operations.Groups;

/// <summary>Keeps two runs over a group from overlapping: a lock between the processes of this host that says who holds it. The kernel frees it when its holder ends.</summary>
public sealed class GroupLock : IDisposable
{
    readonly FileStream _file;

    GroupLock(FileStream file) => _file = file;

    /// <summary>Takes it.</summary>
    /// <param name="stateDirectory">Of the configuration.</param>
    /// <param name="action">What it is taken for, in words: "backup --all".</param>
    /// <param name="clock">Source of time.</param>
    /// <exception cref="BusyException">Another run holds it; the message says which.</exception>
    public static GroupLock Take(string stateDirectory, string action, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        var path = Path.Combine(GroupJournal.DirectoryOf(stateDirectory), "run.lock");
        if (StateFile.TryLock(path) is not { } file)
        {
            throw new BusyException($"another run over the group is going on: {Holder(path)}", "wait for it to end; the lock frees itself when that process ends, however it ends");
        }

        file.SetLength(0);
        file.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"pitr {action}, process {Environment.ProcessId}, since {clock.GetUtcNow():yyyy-MM-dd HH:mm:ss'Z'}\n")));
        file.Flush();
        return new GroupLock(file);
    }

    // To look at it takes no lock.
    static string Holder(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), Encoding.UTF8);
        return reader.ReadLine() is { Length: > 0 } holder ? holder : "it has just begun";
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
