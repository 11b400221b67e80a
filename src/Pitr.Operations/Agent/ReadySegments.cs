using Pitr.Format.Wal;

namespace Pitr.Operations.Agent;

/// <summary>
/// The segments that PostgreSQL will ask for after the present one, in its order: those with a <c>.ready</c> file in <c>archive_status</c>. For
/// one thread at a time.
/// </summary>
sealed class ReadySegments
{
    // Reading a directory of many thousand waiting segments costs too much to do it for each of them.
    const int MostRemembered = 1024;

    const string Ready = ".ready";

    readonly Queue<string> _names = new();
    string _directory = "";

    /// <summary>Forgets what does not come after this file, and looks for more when nothing is left.</summary>
    /// <param name="path">A segment that is asked for; its directory is pg_wal.</param>
    public void LookAfter(string path)
    {
        var directory = Path.GetDirectoryName(path)!;
        if (directory != _directory)
        {
            _names.Clear();
            _directory = directory;
        }

        var current = Path.GetFileName(path);
        while (_names.TryPeek(out var name) && string.CompareOrdinal(name, current) <= 0)
        {
            _names.Dequeue();
        }

        if (_names.Count == 0)
        {
            Fill(current);
        }
    }

    /// <summary>Takes the next one that is still waiting; null when there is none.</summary>
    public string? Next()
    {
        while (_names.TryDequeue(out var name))
        {
            if (File.Exists(Path.Combine(Status, name + Ready)))
            {
                return Path.Combine(_directory, name);
            }
        }

        return null;
    }

    /// <summary>Forgets everything until <see cref="LookAfter"/>.</summary>
    public void Clear() => _names.Clear();

    string Status => Path.Combine(_directory, "archive_status");

    // Segments only: histories are few, come first in PostgreSQL's own order, and need no head start.
    void Fill(string current)
    {
        if (!WalSegmentName.TryParse(current, out _) || !Directory.Exists(Status))
        {
            return;
        }

        var names = Directory.EnumerateFiles(Status, "*" + Ready)
            .Select(file => Path.GetFileName(file)[..^Ready.Length])
            .Where(name => WalSegmentName.TryParse(name, out _) && string.CompareOrdinal(name, current) > 0)
            .Order(StringComparer.Ordinal);
        foreach (var name in names.Take(MostRemembered))
        {
            _names.Enqueue(name);
        }
    }
}
