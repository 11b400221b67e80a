using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Pitr.Format;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Format.Wal;

namespace Pitr.Operations.Backup;

/// <summary>
/// What the journal of a backup says that never came to its end. Keeps 24 bytes for each piece of a file in memory, not the pieces. Safe for several threads.
/// </summary>
sealed class InterruptedBackup : IDisposable
{
    readonly SafeFileHandle _file;
    readonly List<(int Hash, int Length, long Position, int Pack)> _lines = [];
    readonly Dictionary<int, JournaledPack> _packs = [];
    readonly Dictionary<int, long> _bytes = [];
    readonly HashSet<string> _damaged = new(StringComparer.Ordinal);

    InterruptedBackup(string path, SafeFileHandle file, JournalHeader header)
    {
        (Path, _file, Header) = (path, file, header);
        Id = BackupId.Parse(header.Backup);
        StartLsn = Lsn.Parse(header.Start);
        InterruptedAt = new DateTimeOffset(File.GetLastWriteTimeUtc(path), TimeSpan.Zero);
    }

    /// <summary>The journal.</summary>
    public string Path { get; }

    /// <summary>Its first line.</summary>
    public JournalHeader Header { get; }

    /// <summary>The backup.</summary>
    public BackupId Id { get; }

    /// <summary>A page with a position before this one is as it was when it was copied.</summary>
    public Lsn StartLsn { get; }

    /// <summary>When the last was written.</summary>
    public DateTimeOffset InterruptedAt { get; }

    /// <summary>Its stored packs by number.</summary>
    public IReadOnlyDictionary<int, JournaledPack> Packs => _packs;

    /// <summary>Bytes of relations in those packs.</summary>
    public long Bytes => _bytes.Where(pack => _packs.ContainsKey(pack.Key)).Sum(pack => pack.Value);

    /// <summary>Reads a journal; null when not even its first line is whole.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static InterruptedBackup? Open(string path)
    {
        using var stream = new FileStream(path, new FileStreamOptions { Access = FileAccess.Read, BufferSize = 0, Options = FileOptions.SequentialScan });
        var reader = new JournalReader(stream);
        if (reader.ReadNext()?.Begun is not { Format: JournalHeader.CurrentFormat } header)
        {
            return null;
        }

        var backup = new InterruptedBackup(path, File.OpenHandle(path), header);
        try
        {
            while (reader.ReadNext() is { } line)
            {
                backup.Add(line, reader.LinePosition, reader.LineLength);
            }

            backup.KeepOnly(backup._packs.Keys.ToHashSet());
            return backup;
        }
        catch
        {
            backup.Dispose();
            throw;
        }
    }

    void Add(JournalLine line, long position, int length)
    {
        switch (line)
        {
            case { Placed: { } placed }:
                _lines.Add((string.GetHashCode(placed.Path), length, position, placed.Pack));
                _bytes[placed.Pack] = _bytes.GetValueOrDefault(placed.Pack) + LengthOf(placed);
                break;
            case { Stored: { } pack }:
                _packs[pack.Number] = pack;
                break;
            case { Damaged: { } path }:
                _damaged.Add(path);
                break;
        }
    }

    static long LengthOf(PlacedPieces placed)
    {
        var length = 0L;
        for (var i = 1; i < placed.Pieces.Length; i += 3)
        {
            length += placed.Pieces[i];
        }

        return length;
    }

    /// <summary>Forgets all packs but these.</summary>
    public void KeepOnly(IReadOnlySet<int> packs)
    {
        foreach (var number in _packs.Keys.Where(number => !packs.Contains(number)).ToArray())
        {
            _packs.Remove(number);
        }

        _lines.RemoveAll(line => !_packs.ContainsKey(line.Pack));
        _lines.TrimExcess();
        _lines.Sort((left, right) => left.Hash.CompareTo(right.Hash));
    }

    /// <summary>What is stored of a file; null when nothing of it may be used. What is missing looks like zeros.</summary>
    /// <exception cref="DamagedObjectException">The journal was changed since it was opened.</exception>
    public ManifestEntry? Find(string path)
    {
        // What was read wrong then may be read right now.
        if (_damaged.Contains(path))
        {
            return null;
        }

        var hash = string.GetHashCode(path);
        var pieces = new List<(long FileOffset, ManifestRun Run)>();
        for (var at = FirstOf(hash); at < _lines.Count && _lines[at].Hash == hash; at++)
        {
            var placed = Read(_lines[at].Position, _lines[at].Length);
            if (placed.Path == path)
            {
                for (var i = 0; i < placed.Pieces.Length; i += 3)
                {
                    pieces.Add((placed.Pieces[i], new ManifestRun(placed.Pieces[i + 1], placed.Pack, placed.Record, placed.Offset, placed.Length, (int)placed.Pieces[i + 2])));
                }
            }
        }

        return pieces.Count == 0 ? null : ToEntry(path, pieces);
    }

    int FirstOf(int hash)
    {
        var (low, high) = (0, _lines.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _lines[middle].Hash < hash ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    PlacedPieces Read(long position, int length)
    {
        var line = new byte[length];
        for (var read = 0; read < length;)
        {
            var count = RandomAccess.Read(_file, line.AsSpan(read), position + read);
            read += count > 0 ? count : throw new DamagedObjectException($"{Path} was cut short while it was read");
        }

        try
        {
            return JournalLine.TryParse(line)?.Placed ?? throw new DamagedObjectException($"{Path} was changed while it was read");
        }
        catch (JsonException e)
        {
            throw new DamagedObjectException($"{Path} was changed while it was read: {e.Message}", e);
        }
    }

    static ManifestEntry ToEntry(string path, List<(long FileOffset, ManifestRun Run)> pieces)
    {
        var runs = new List<ManifestRun>();
        var end = 0L;
        foreach (var (offset, run) in pieces.OrderBy(piece => piece.FileOffset))
        {
            // A name that was listed twice was copied twice; either copy is good.
            if (offset < end)
            {
                continue;
            }

            if (offset > end)
            {
                runs.Add(ManifestRun.Zeros(offset - end));
            }

            runs.Add(run);
            end = offset + run.Length;
        }

        return new ManifestEntry { Path = path, Kind = ManifestEntryKind.File, Size = end, Mode = 0, Modified = default, Runs = runs };
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
