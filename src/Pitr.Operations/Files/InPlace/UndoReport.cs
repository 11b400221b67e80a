using System.Globalization;

namespace Pitr.Operations.Files.InPlace;

/// <summary>What was undone, for whoever has to know what lies where now.</summary>
sealed class UndoReport
{
    const int MostNames = 10;

    readonly List<string> _kept = [];
    readonly List<string> _gone = [];
    readonly List<string> _left = [];
    readonly List<string> _times = [];
    int _keptCount;
    int _goneCount;
    int _leftCount;
    int _timesCount;

    /// <summary>What was there and has its name again.</summary>
    public int Back { get; set; }

    /// <summary>What was not there before and is removed.</summary>
    public int Removed { get; set; }

    /// <summary>What was restored has changed since, and is kept.</summary>
    public void Keep(string path) => Add(_kept, ref _keptCount, path);

    /// <summary>What was there is not there any more, under neither name.</summary>
    public void Gone(string path) => Add(_gone, ref _goneCount, path);

    /// <summary>Something that the restore made stays, because others use it.</summary>
    public void Leave(string path) => Add(_left, ref _leftCount, path);

    /// <summary>The time of the last write of a directory is that of the restore: only its owner may set it.</summary>
    public void KeepTime(string path) => Add(_times, ref _timesCount, path);

    /// <summary>All of it in sentences.</summary>
    public IReadOnlyList<string> ToSentences()
    {
        var said = new List<string>
        {
            Back + Removed == 0
                ? "the files are what they were"
                : string.Create(CultureInfo.InvariantCulture, $"the files are what they were: {Back} are in their places again, {Removed} that had not been there are removed"),
        };
        Say(said, "what was restored and has changed since is kept as", _kept, _keptCount);
        Say(said, "was not kept any more or is somebody else's now, and what is in its place stays:", _gone, _goneCount);
        Say(said, "was made, holds something of others, and stays:", _left, _leftCount);
        Say(said, "only their owners can give these directories back the time of their last write:", _times, _timesCount);
        return said;
    }

    static void Say(List<string> said, string what, List<string> names, int count)
    {
        if (count > 0)
        {
            said.Add($"{what} {string.Join(", ", names)}{(count > names.Count ? string.Create(CultureInfo.InvariantCulture, $" and {count - names.Count} more") : "")}");
        }
    }

    static void Add(List<string> names, ref int count, string path)
    {
        count++;
        if (names.Count < MostNames)
        {
            names.Add(path);
        }
    }
}
