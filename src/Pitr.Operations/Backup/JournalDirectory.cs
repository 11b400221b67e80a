using Pitr.Format.Layout;
using Pitr.Operations.Services;

namespace Pitr.Operations.Backup;

/// <summary>Where the journals of running and interrupted backups of this host lie. Only the holder of the lease of backups may touch them.</summary>
sealed class JournalDirectory(PostgresService service)
{
    const string Extension = ".journal";

    readonly string _directory = Path.Combine(service.StateDirectory, "interrupted");

    /// <summary>The journal of a backup.</summary>
    public string PathOf(BackupId id) => Path.Combine(_directory, id + Extension);

    /// <summary>All there are.</summary>
    public IReadOnlyList<string> Paths()
    {
        try
        {
            return Directory.Exists(_directory) ? Directory.GetFiles(_directory, "*" + Extension) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            service.Log.Warning("what interrupted backups have stored is not used: {Reason}", e.Message);
            return [];
        }
    }

    /// <summary>Removes one.</summary>
    public void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            service.Log.Warning("{Path} is of no use any more and cannot be removed: {Reason}", path, e.Message);
        }
    }

    /// <summary>Removes all: a backup has come to its end, or wants nothing of them.</summary>
    public void Clear()
    {
        foreach (var path in Paths())
        {
            Remove(path);
        }
    }
}
