using Pitr.Operations.Errors;
using Pitr.Operations.Scratch;

namespace Pitr.Operations.Dumps.Postgres.Staging;

/// <summary>Where the files of a dump lie while <c>pg_restore</c> reads them.</summary>
/// <param name="owner">The service.</param>
/// <param name="below">Directory that somebody else removes; null: scratch space of their own.</param>
/// <param name="parent">Existing directory for that; null: the service's state directory.</param>
sealed class StagingPlace(ScratchOwner owner, string? below, string? parent)
{
    const string Name = "dump";

    string Root => below ?? parent ?? owner.StateDirectory;

    /// <summary>Refuses files that do not fit.</summary>
    /// <param name="bytes">Of all files that lie there at once; 0: none will.</param>
    /// <exception cref="ImpossiblePlanException">There is not so much space.</exception>
    /// <exception cref="RefusedInputException">The directory is missing.</exception>
    public void RequireRoom(long bytes)
    {
        if (bytes == 0)
        {
            return;
        }

        ScratchSpace.RequireParent(parent);
        if (new DriveInfo(Existing(Root)).AvailableFreeSpace is var free && free < bytes)
        {
            throw new ImpossiblePlanException(
                $"the files of the dump take {bytes} bytes in {Root} until they are restored, and {free} are free there; nothing was changed", "free some space there, or name another directory with staging-directory");
        }
    }

    /// <summary>Makes an empty directory; disposing removes it with all that is in it.</summary>
    /// <exception cref="RefusedInputException">It cannot be made.</exception>
    public StagedFiles Create()
    {
        var space = below is null ? ScratchSpace.Create(owner, ScratchSpace.DumpRestore, parent) : null;
        var directory = space?.Data ?? Path.Combine(below!, Name);
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new StagedFiles(directory, space);
    }

    static string Existing(string path) => Directory.Exists(path) ? path : Existing(Path.GetDirectoryName(path)!);
}
