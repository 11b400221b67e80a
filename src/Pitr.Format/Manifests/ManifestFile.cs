using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Format.Manifests;

/// <summary>
/// A manifest as a plain file of this host, in which single files are looked up. Keeps 16 bytes for each file in memory, not the entries, so that a
/// cluster of a million files costs 16 megabytes. Safe for several threads at once.
/// </summary>
public sealed class ManifestFile : IDisposable
{
    // Of a line's place, for its length; the rest says where it begins. Enough for 64 GiB of manifest.
    const int LengthBits = 28;

    readonly SafeFileHandle _file;
    readonly List<ManifestPack> _packs = [];

    // By hash, ascending, once the whole manifest is read.
    ulong[] _hashes = [];
    long[] _places = [];
    int _files;

    ManifestFile(SafeFileHandle file, ManifestHeader header) => (_file, Header) = (file, header);

    /// <summary>Its first line.</summary>
    public ManifestHeader Header { get; }

    /// <summary>Every pack that it names.</summary>
    public IReadOnlyList<ManifestPack> Packs => _packs;

    /// <summary>Bytes of files that lie in each pack, by index of the pack table.</summary>
    public Dictionary<int, long> ContentBytes { get; } = [];

    /// <summary>Reads it once, from the first to the last line, and checks it.</summary>
    /// <exception cref="DamagedObjectException">It is not a whole manifest.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static ManifestFile Open(string path)
    {
        using var stream = new FileStream(path, new FileStreamOptions { Access = FileAccess.Read, BufferSize = 0, Options = FileOptions.SequentialScan });
        using var reader = new ManifestReader(stream);
        var file = new ManifestFile(File.OpenHandle(path), reader.Header);
        try
        {
            while (reader.ReadNext() is { } line)
            {
                file.Add(line, reader.LinePosition, reader.LineLength);
            }

            file.Sort();
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    void Add(object line, long position, int length)
    {
        if (line is ManifestPack pack)
        {
            _packs.Add(pack);
            return;
        }

        var entry = (ManifestEntry)line;
        if (entry.Kind != ManifestEntryKind.File)
        {
            return;
        }

        if (_files == _hashes.Length)
        {
            Array.Resize(ref _hashes, Math.Max(1024, _files * 2));
            Array.Resize(ref _places, _hashes.Length);
        }

        _hashes[_files] = Hash(entry.Path);
        // What is out of all proportion is not found, as if it were new.
        _places[_files++] = length < 1 << LengthBits && position < 1L << (63 - LengthBits) ? (position << LengthBits) | (long)length : 0;
        foreach (var run in entry.Runs.Where(r => !r.IsZeros))
        {
            ContentBytes[run.Pack] = ContentBytes.GetValueOrDefault(run.Pack) + run.Length;
        }
    }

    void Sort()
    {
        Array.Resize(ref _hashes, _files);
        Array.Resize(ref _places, _files);
        Array.Sort(_hashes, _places);
    }

    // Of two paths with the same hash neither is found: then it is as if they were new.
    (long Position, int Length) Place(string path)
    {
        var hash = Hash(path);
        var at = Array.BinarySearch(_hashes, hash);
        return at < 0 || (at > 0 && _hashes[at - 1] == hash) || (at + 1 < _files && _hashes[at + 1] == hash)
            ? default
            : (_places[at] >> LengthBits, (int)(_places[at] & ((1 << LengthBits) - 1)));
    }

    /// <summary>Looks a file up; null when it is not there.</summary>
    /// <exception cref="DamagedObjectException">The file was changed since it was opened.</exception>
    public ManifestEntry? Find(string path)
    {
        var (position, length) = Place(path);
        if (length == 0)
        {
            return null;
        }

        var line = new byte[length];
        for (var read = 0; read < line.Length;)
        {
            var count = RandomAccess.Read(_file, line.AsSpan(read), position + read);
            read += count > 0 ? count : throw new DamagedObjectException("manifest was cut short while it was read");
        }

        try
        {
            var entry = ManifestLine.Parse(line).ToEntry(ManifestEntryKind.File);
            return entry.Path == path ? entry : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new DamagedObjectException($"manifest was changed while it was read: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    // FNV-1a, 64 bits (draft-eastlake-fnv §2).
    static ulong Hash(string path)
    {
        var hash = 0xCBF29CE484222325UL;
        foreach (var character in path)
        {
            hash = (hash ^ character) * 0x100000001B3UL;
        }

        return hash;
    }
}
