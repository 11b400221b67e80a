using System.Text;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Cluster;

/// <summary>Reads the part of a log file that one run of a server has written.</summary>
sealed class ServerLog
{
    const int TailBytes = 64 * 1024;
    const string RestoredMarker = "restored log file \"";

    readonly long _start;
    long _scanned;
    string _unfinished = "";

    /// <param name="start">Length of the file before the run began.</param>
    public ServerLog(string path, long start)
    {
        Path = path;
        _start = start;
        _scanned = start;
    }

    public string Path { get; }

    public WalFileName? LastRestored { get; private set; }

    /// <summary>The last lines, oldest first.</summary>
    public IReadOnlyList<string> Tail(int lines)
    {
        var all = Read(Math.Max(_start, Length() - TailBytes), Length()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return all[Math.Max(0, all.Length - lines)..];
    }

    /// <summary>
    /// The last lines that say why a server gave up: FATAL and PANIC with their DETAIL and HINT and the line before, which often has the
    /// reason ("invalid value for parameter …"); else whatever came last.
    /// </summary>
    public IReadOnlyList<string> LastErrors(int lines)
    {
        var tail = Tail(int.MaxValue);
        var errors = new List<string>();
        for (var i = 0; i < tail.Count; i++)
        {
            var leadsToError = i + 1 < tail.Count && IsFatal(tail[i + 1]) && !tail[i].Contains(RestoredMarker, StringComparison.Ordinal);
            if (IsFatal(tail[i]) || IsExplanation(tail[i]) || leadsToError)
            {
                errors.Add(tail[i]);
            }
        }

        return errors.Count > 0 ? errors[Math.Max(0, errors.Count - lines)..] : Tail(lines);
    }

    public bool Contains(string text) => Tail(int.MaxValue).Any(line => line.Contains(text, StringComparison.Ordinal));

    /// <summary>Reads on from where the last call stopped and remembers the WAL files restored since.</summary>
    public void Scan()
    {
        var length = Length();
        if (length <= _scanned)
        {
            return;
        }

        var text = _unfinished + Read(_scanned, length);
        _scanned = length;
        var lines = text.Split('\n');
        _unfinished = lines[^1];
        foreach (var line in lines[..^1])
        {
            var at = line.IndexOf(RestoredMarker, StringComparison.Ordinal);
            if (at < 0)
            {
                continue;
            }

            var name = line.AsSpan(at + RestoredMarker.Length);
            var end = name.IndexOf('"');
            if (end > 0 && WalFileName.TryParse(name[..end], out var restored) && restored.Kind == WalFileKind.Segment)
            {
                LastRestored = restored;
            }
        }
    }

    static bool IsFatal(string line) =>
        line.Contains("FATAL:", StringComparison.Ordinal) || line.Contains("PANIC:", StringComparison.Ordinal);

    static bool IsExplanation(string line) =>
        line.Contains("DETAIL:", StringComparison.Ordinal) || line.Contains("HINT:", StringComparison.Ordinal);

    long Length() => File.Exists(Path) ? new FileInfo(Path).Length : 0;

    string Read(long from, long to)
    {
        if (to <= from)
        {
            return "";
        }

        using var file = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Position = from;
        var bytes = new byte[to - from];
        var read = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return Encoding.UTF8.GetString(bytes, 0, read);
    }
}
