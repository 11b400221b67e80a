using System.Text.Json;
using System.Text.Json.Serialization;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;

namespace Pitr.Operations.Restore.InPlace;

/// <summary>
/// What a restore in place is about to do, in a file beside the data directory, so that after a kill it is known what lies where. It is there
/// from before the server is stopped until the new cluster has started or the old one is back. Which of the old directories are aside is not
/// written in it: the directories themselves say so. After success it lies there under another name, and tells the way back to the old cluster.
/// </summary>
public sealed record InPlaceJournal
{
    const string Suffix = ".pitr-in-place";
    // Another name instead of another content: on a full disk, which is a reason to roll back, nothing can be written.
    const string RollingBackSuffix = ".pitr-roll-back";
    const string KeptSuffix = ".pitr-in-place-kept";

    /// <summary>Version of the file, 1.</summary>
    public int Format { get; init; } = 1;

    /// <summary>UTC start as backups are named; part of the names aside.</summary>
    public required string Id { get; init; }

    /// <summary>The service.</summary>
    public required string Service { get; init; }

    /// <summary>Absolute, links resolved.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>What was asked for: the same can be gone on with.</summary>
    public required string Request { get; init; }

    /// <summary>How far it has come.</summary>
    public required InPlacePhase Phase { get; init; }

    /// <summary>Whether the server ran when it began.</summary>
    public required bool ServerRan { get; init; }

    /// <summary>The old cluster's directories, its data directory first.</summary>
    public required IReadOnlyList<InPlaceMove> Moves { get; init; }

    /// <summary>Directories that the restore makes where the old cluster has none.</summary>
    public required IReadOnlyList<string> Made { get; init; }

    /// <summary>Where the cluster has its WAL, when that is elsewhere.</summary>
    public LinkedWal? Wal { get; init; }

    /// <summary>The old cluster is being put back; there is no way forward any more.</summary>
    [JsonIgnore]
    public bool IsRollingBack => LiesAt == RollingBackSuffix;

    /// <summary>Whether it has been written, and not removed yet.</summary>
    [JsonIgnore]
    public bool IsWritten => File.Exists(DataDirectory + LiesAt);

    string LiesAt { get; init; } = Suffix;

    /// <summary>Whether the old data directory is aside.</summary>
    [JsonIgnore]
    public bool IsMoved => Moves.Any(m => m.Place == DataDirectory && Directory.Exists(m.Aside));

    /// <summary>Where a directory goes that the restore has filled, when the old cluster comes back.</summary>
    public string Failed(string place) => $"{place}.{(Phase == InPlacePhase.Done ? "undone" : "failed")}-{Id}";

    /// <summary>Where the journal of a data directory is, while there is one.</summary>
    /// <param name="dataDirectory">Absolute, links resolved.</param>
    public static string PathOf(string dataDirectory) => dataDirectory + Suffix;

    /// <summary>Reads the journal of an interrupted restore; null when there is none.</summary>
    /// <param name="dataDirectory">Absolute, links resolved.</param>
    /// <exception cref="ImpossiblePlanException">There is one, and it cannot be read.</exception>
    public static InPlaceJournal? TryRead(string dataDirectory) =>
        TryReadFile(dataDirectory, RollingBackSuffix) ?? TryReadFile(dataDirectory, Suffix);

    /// <summary>Where the journal of a restore that succeeded is, as long as the old cluster is kept.</summary>
    /// <param name="dataDirectory">Absolute, links resolved.</param>
    public static string KeptPathOf(string dataDirectory) => dataDirectory + KeptSuffix;

    /// <summary>Reads the journal of the last restore that succeeded; null when there is none, or its old cluster is not there any more.</summary>
    /// <param name="dataDirectory">Absolute, links resolved.</param>
    /// <exception cref="ImpossiblePlanException">There is one, and it cannot be read.</exception>
    public static InPlaceJournal? TryReadKept(string dataDirectory) =>
        TryReadFile(dataDirectory, KeptSuffix) is { } kept && kept.Moves.All(m => Directory.Exists(m.Aside)) ? kept : null;

    /// <summary>Refuses a directory where a restore in place was interrupted: what is missing there may be aside.</summary>
    /// <exception cref="ImpossiblePlanException">One was.</exception>
    public static void RequireNone(string directory)
    {
        var real = TablespaceMap.RealPath(directory);
        if (TryRead(real) is { } journal)
        {
            throw new ImpossiblePlanException(
                $"a restore in place of {directory} was interrupted ({journal.Id}): the old cluster may lie aside",
                $"end that one first: pitr restore {journal.Service} --in-place --roll-back; nothing was touched");
        }
    }

    static InPlaceJournal? TryReadFile(string dataDirectory, string suffix)
    {
        var path = dataDirectory + suffix;
        try
        {
            var journal = JsonSerializer.Deserialize(File.ReadAllBytes(path), InPlaceJson.Default.InPlaceJournal) ?? throw new JsonException("it is empty");
            return journal with { LiesAt = suffix };
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is JsonException or UnauthorizedAccessException or IOException)
        {
            throw new ImpossiblePlanException(
                $"{path} says that a restore in place {(suffix == KeptSuffix ? "kept the old cluster" : "was interrupted")}, and cannot be read: {e.Message}",
                "look for directories named like the data directory with .before- behind: they are the old cluster",
                e);
        }
    }

    /// <summary>Makes a phase durable before it begins.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public InPlaceJournal Enter(InPlacePhase phase)
    {
        var next = this with { Phase = phase };
        foreach (var left in Directory.EnumerateFiles(Path.GetDirectoryName(DataDirectory)!, Path.GetFileName(PathOf(DataDirectory)) + ".*.tmp"))
        {
            // Of one that was killed while it wrote.
            File.Delete(left);
        }

        StateFile.Replace(PathOf(DataDirectory), JsonSerializer.SerializeToUtf8Bytes(next, InPlaceJson.Default.InPlaceJournal));
        return next;
    }

    /// <summary>Makes durable that the old cluster is being put back.</summary>
    public InPlaceJournal EnterRollBack()
    {
        if (!IsRollingBack)
        {
            LibC.TryRename(DataDirectory + LiesAt, DataDirectory + RollingBackSuffix);
            LibC.SyncDirectory(Path.GetDirectoryName(DataDirectory)!);
        }

        return this with { LiesAt = RollingBackSuffix };
    }

    /// <summary>The new cluster is in its place, and the old one stays aside: keeps what is needed to go back, instead of what an older restore left.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Keep()
    {
        StateFile.Replace(KeptPathOf(DataDirectory), JsonSerializer.SerializeToUtf8Bytes(this with { Phase = InPlacePhase.Done }, InPlaceJson.Default.InPlaceJournal));
        Remove();
    }

    /// <summary>Removes what <see cref="Keep"/> has kept.</summary>
    public static void Forget(string dataDirectory) => File.Delete(KeptPathOf(dataDirectory));

    /// <summary>Removes it: one of both clusters is in its place.</summary>
    public void Remove()
    {
        File.Delete(DataDirectory + LiesAt);
        LibC.SyncDirectory(Path.GetDirectoryName(DataDirectory)!);
    }
}
