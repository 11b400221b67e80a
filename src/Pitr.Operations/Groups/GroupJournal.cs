using System.Text.Json;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;

namespace Pitr.Operations.Groups;

/// <summary>
/// What the restore of a group is about to do, in a file of the state directory, so that after a kill it is known what lies where. It is there from before the first
/// command is run until what was there before is back, or was removed.
/// </summary>
public sealed record GroupJournal
{
    /// <summary>Version of the file, 1.</summary>
    public int Format { get; init; } = 1;

    /// <summary>UTC start as backups are named; part of the names aside.</summary>
    public required string Id { get; init; }

    /// <summary>What was asked for, in words.</summary>
    public required string Request { get; init; }

    /// <summary>How far it has come.</summary>
    public required GroupPhase Phase { get; init; }

    /// <summary>Whose applications were told to stop: names of services, "" for all together.</summary>
    public IReadOnlyList<string> Stopped { get; init; } = [];

    /// <summary>The services, in the order in which they are restored.</summary>
    public required IReadOnlyList<ComponentRecord> Components { get; init; }

    /// <summary>The directory of groups below a state directory.</summary>
    public static string DirectoryOf(string stateDirectory) => Path.Combine(stateDirectory, "groups");

    /// <summary>Where the journal is.</summary>
    public static string PathOf(string stateDirectory) => Path.Combine(DirectoryOf(stateDirectory), "restore.json");

    /// <summary>Reads the journal; null when there is none.</summary>
    /// <exception cref="ImpossiblePlanException">There is one, and it cannot be read.</exception>
    public static GroupJournal? TryRead(string stateDirectory)
    {
        var path = PathOf(stateDirectory);
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), GroupJson.Default.GroupJournal) ?? throw new JsonException("it is empty");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is JsonException or UnauthorizedAccessException or IOException)
        {
            throw new ImpossiblePlanException(
                $"{path} says what the restore of a group keeps, and cannot be read: {e.Message}", "look on the servers for databases with _before_ in their names: they are what was there before", e);
        }
    }

    /// <summary>Makes it durable.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Write(string stateDirectory) => StateFile.Replace(PathOf(stateDirectory), JsonSerializer.SerializeToUtf8Bytes(this, GroupJson.Default.GroupJournal));

    /// <summary>Removes it: there is nothing to go back to, or it is back.</summary>
    public static void Remove(string stateDirectory)
    {
        File.Delete(PathOf(stateDirectory));
        LibC.SyncDirectory(DirectoryOf(stateDirectory));
    }
}
