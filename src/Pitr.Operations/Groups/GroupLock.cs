using System.Globalization;
using System.Text;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;

namespace Pitr.Operations.Groups;

/// <summary>Keeps two runs over a group from overlapping: a lock between the processes of this host that says who holds it. The kernel frees it when its holder ends.</summary>
public sealed class GroupLock : IDisposable
{
    readonly FileStream _file;
    readonly string _holder;

    GroupLock(FileStream file, string holder) => (_file, _holder) = (file, holder);

    /// <summary>Takes it.</summary>
    /// <param name="stateDirectory">Of the configuration.</param>
    /// <param name="action">What it is taken for, in words: "backup --all".</param>
    /// <param name="clock">Source of time.</param>
    /// <exception cref="BusyException">Another run holds it; the message says which.</exception>
    public static GroupLock Take(string stateDirectory, string action, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        var directory = GroupJournal.DirectoryOf(stateDirectory);
        // Who holds a lock cannot be written into its own file: nobody else can open that.
        var holder = Path.Combine(directory, "run.holder");
        if (StateFile.TryLock(Path.Combine(directory, "run.lock")) is not { } file)
        {
            throw new BusyException(
                $"another run over the group is going on: {(File.Exists(holder) ? File.ReadAllText(holder).Trim() : "it has just begun")}", "wait for it to end; the lock frees itself when that process ends, however it ends");
        }

        StateFile.Replace(
            holder, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"pitr {action}, process {Environment.ProcessId}, since {clock.GetUtcNow():yyyy-MM-dd HH:mm:ss'Z'}\n")));
        return new GroupLock(file, holder);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        File.Delete(_holder);
        _file.Dispose();
    }
}
