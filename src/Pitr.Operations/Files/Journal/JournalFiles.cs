using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Files.Journal;

/// <summary>
/// The files that journalctl reads. It leaves out those that it may not read, and with <c>--directory</c> it does not even say so: they are looked at before.
/// </summary>
static class JournalFiles
{
    const string MachineIdFile = "/etc/machine-id";
    const int MachineIdLength = 32;
    const string Hint = "run it as root or as a member of the group systemd-journal, and give that user rights to every file of the journal; nothing was stored";

    /// <summary>Says that there is a journal and that all of it can be read.</summary>
    /// <returns>How many files it has, and where.</returns>
    /// <exception cref="ImpossiblePlanException">There is none.</exception>
    /// <exception cref="RefusedInputException">A file of it cannot be read.</exception>
    public static (int Files, string Where) RequireReadable(JournalSettings settings)
    {
        var directories = settings.Directory is { } directory ? DirectoriesOf(directory) : DirectoriesOfThisHost();
        var files = 0;
        foreach (var path in directories.Where(System.IO.Directory.Exists).SelectMany(List))
        {
            files += IsReadable(path) ? 1 : 0;
        }

        var where = settings.Directory ?? string.Join(", ", directories);
        return files > 0
            ? (files, where)
            : throw new ImpossiblePlanException($"there is no systemd journal in {where}", "does systemd-journald run, and does it store (Storage= in journald.conf)? Else correct journal.directory; nothing was stored");
    }

    static IReadOnlyList<string> DirectoriesOfThisHost()
    {
        try
        {
            var id = File.ReadAllText(MachineIdFile).Trim();
            return [$"/var/log/journal/{id}", $"/run/log/journal/{id}"];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImpossiblePlanException($"the journal of this host is not known without {MachineIdFile}: {e.Message}", "systemd-machine-id-setup makes it; or name the journal with journal.directory. Nothing was stored", e);
        }
    }

    // As journalctl does: what lies in it, and in directories of it that are named after machines.
    static IReadOnlyList<string> DirectoriesOf(string directory)
    {
        if (!System.IO.Directory.Exists(directory))
        {
            throw new ImpossiblePlanException($"{directory}, which journal.directory names, is not there or cannot be looked at", "correct it, or mount what is missing; nothing was stored");
        }

        try
        {
            return [directory, .. System.IO.Directory.EnumerateDirectories(directory).Where(static path => IsMachine(Path.GetFileName(path)))];
        }
        catch (UnauthorizedAccessException e)
        {
            throw new RefusedInputException($"{directory} of the systemd journal cannot be listed", Hint, e);
        }
    }

    static bool IsMachine(string name) => name.Split('.')[0] is { Length: MachineIdLength } id && id.All(char.IsAsciiHexDigit);

    static IReadOnlyList<string> List(string directory)
    {
        try
        {
            return [.. System.IO.Directory.EnumerateFiles(directory).Where(static path => path.EndsWith(".journal", StringComparison.Ordinal) || path.EndsWith(".journal~", StringComparison.Ordinal))];
        }
        catch (UnauthorizedAccessException e)
        {
            throw new RefusedInputException($"{directory} of the systemd journal cannot be listed", Hint, e);
        }
    }

    // False: it has been vacuumed meanwhile.
    static bool IsReadable(string path)
    {
        try
        {
            File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete).Dispose();
            return true;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new RefusedInputException($"{path} of the systemd journal cannot be read, and journalctl would leave out what is in it", Hint, e);
        }
        catch (IOException e)
        {
            throw new RefusedInputException($"{path} of the systemd journal cannot be read: {e.Message}", Hint, e);
        }
    }
}
