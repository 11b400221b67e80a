using System.Text.Json;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;

namespace Pitr.Operations.Dumps.Redis.InPlace;

/// <summary>
/// What a restore in place is about to move, in a file of the data directory, so that after a kill the old data can be put back. There from before the server is stopped until it runs
/// with the new data; then kept under another name, for who wants the old data after all. Which of the moves are done the files themselves say.
/// </summary>
public sealed record RedisJournal
{
    const string FileName = ".pitr-in-place";
    const string KeptName = ".pitr-in-place-kept";

    /// <summary>Version of the file, 1.</summary>
    public int Format { get; init; } = 1;

    /// <summary>UTC start as backups are named; part of the names aside.</summary>
    public required string Id { get; init; }

    /// <summary>The service.</summary>
    public required string Service { get; init; }

    /// <summary>Whether the server ran when it began.</summary>
    public required bool ServerRan { get; init; }

    /// <summary>Whether the server has stopped, and the old data is being moved or was; until then nothing has been changed.</summary>
    public bool Moving { get; init; }

    /// <summary>The old data.</summary>
    public required IReadOnlyList<RedisMove> Moves { get; init; }

    /// <summary>Everything that the server may load, whether there was any of it or not.</summary>
    public required IReadOnlyList<string> Places { get; init; }

    /// <summary>Reads that of an interrupted restore; null when there is none.</summary>
    /// <exception cref="ImpossiblePlanException">It cannot be read.</exception>
    public static RedisJournal? TryRead(string directory) => TryReadFile(Path.Combine(directory, FileName));

    /// <summary>Reads that of the last restore that succeeded, if all of its old data is still there.</summary>
    /// <exception cref="ImpossiblePlanException">It cannot be read.</exception>
    public static RedisJournal? TryReadKept(string directory) =>
        TryReadFile(Path.Combine(directory, KeptName)) is { } kept && kept.Moves.All(m => Path.Exists(m.Aside)) ? kept : null;

    /// <summary>Writes it, durable.</summary>
    public void Write(string directory) => StateFile.Replace(Path.Combine(directory, FileName), JsonSerializer.SerializeToUtf8Bytes(this, RedisJournalJson.Default.RedisJournal));

    /// <summary>Keeps it as that of the last restore.</summary>
    public static void Keep(string directory)
    {
        File.Move(Path.Combine(directory, FileName), Path.Combine(directory, KeptName), overwrite: true);
        LibC.SyncDirectory(directory);
    }

    /// <summary>Removes both.</summary>
    public static void Remove(string directory)
    {
        File.Delete(Path.Combine(directory, FileName));
        File.Delete(Path.Combine(directory, KeptName));
        LibC.SyncDirectory(directory);
    }

    static RedisJournal? TryReadFile(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            var journal = JsonSerializer.Deserialize(File.ReadAllBytes(path), RedisJournalJson.Default.RedisJournal);
            var directory = Path.GetDirectoryName(path);
            return journal is { Format: 1 } && journal.Moves.All(m => m is not null && Path.GetDirectoryName(m.Place) == directory && Path.GetDirectoryName(m.Aside) == directory)
                && journal.Places.All(p => Path.GetDirectoryName(p) == directory)
                ? journal
                : throw new JsonException("it is of another version, or of another directory");
        }
        catch (JsonException e)
        {
            throw new ImpossiblePlanException($"{path}, which a restore in place has left, cannot be read: {e.Message}", "look which of the files beside it are the data, and remove it", e);
        }
    }
}
