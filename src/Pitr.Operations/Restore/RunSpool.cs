using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Restore;

/// <summary>
/// The runs of a backup, turned round: per pack instead of per file. Memory holds the first few megabytes of them; the others lie in a private
/// temporary file without a name. For one thread until everything is added, for several afterwards.
/// </summary>
/// <param name="directory">Where the temporary file is made, when one is needed; created if need be.</param>
/// <param name="memoryLimit">Bytes of full chunks that are kept in memory.</param>
sealed class RunSpool(string directory, long memoryLimit = RunSpool.DefaultMemoryLimit) : IDisposable
{
    const long DefaultMemoryLimit = 16 << 20;
    const int ChunkLength = 256;
    const int FirstLength = 16;

    readonly Dictionary<int, Pending> _packs = [];
    SafeFileHandle? _file;
    long _inMemory;
    long _fileLength;

    /// <summary>Adds a run to a pack's.</summary>
    /// <returns>False when it only made the pack's last run longer.</returns>
    public bool Add(int pack, in SpooledRun run)
    {
        ref var pending = ref CollectionsMarshal.GetValueRefOrAddDefault(_packs, pack, out var known);
        if (!known)
        {
            pending = new Pending();
        }

        if (pending!.Count > 0 && pending.Runs[pending.Count - 1] is var last && last.Continues(run))
        {
            pending.Runs[pending.Count - 1] = last with { Length = last.Length + run.Length };
            return false;
        }

        if (pending.Count == pending.Runs.Length)
        {
            MakeRoom(pending);
        }

        pending.Runs[pending.Count++] = run;
        return true;
    }

    /// <summary>All runs of a pack, in the order they were added.</summary>
    public SpooledRun[] Read(int pack)
    {
        if (!_packs.TryGetValue(pack, out var pending))
        {
            return [];
        }

        var runs = new SpooledRun[(pending.Chunks.Count * ChunkLength) + pending.Count];
        var at = 0;
        foreach (var (chunk, position) in pending.Chunks)
        {
            var destination = runs.AsSpan(at, ChunkLength);
            if (chunk is not null)
            {
                chunk.CopyTo(destination);
            }
            else
            {
                ReadExactly(MemoryMarshal.AsBytes(destination), position);
            }

            at += ChunkLength;
        }

        pending.Runs.AsSpan(0, pending.Count).CopyTo(runs.AsSpan(at));
        return runs;
    }

    public void Dispose() => _file?.Dispose();

    void MakeRoom(Pending pending)
    {
        if (pending.Runs.Length < ChunkLength)
        {
            Array.Resize(ref pending.Runs, pending.Runs.Length * 4);
            return;
        }

        var bytes = MemoryMarshal.AsBytes(pending.Runs.AsSpan());
        if (_inMemory + bytes.Length <= memoryLimit)
        {
            _inMemory += bytes.Length;
            pending.Chunks.Add((pending.Runs, 0));
            pending.Runs = new SpooledRun[ChunkLength];
        }
        else
        {
            pending.Chunks.Add((null, Write(bytes)));
        }

        pending.Count = 0;
    }

    long Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _file ??= OpenFile();
            RandomAccess.Write(_file, bytes, _fileLength);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImpossiblePlanException(
                $"{directory} cannot take the list of what goes where for a moment: {e.Message}",
                "make room or allow writing there; state-directory of the configuration says where it is",
                e);
        }

        _fileLength += bytes.Length;
        return _fileLength - bytes.Length;
    }

    SafeFileHandle OpenFile()
    {
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var path = Path.Combine(directory, $"restore-{Guid.NewGuid():N}.tmp");
        var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        // From here on it goes away by itself, however this process ends.
        File.Delete(path);
        return file;
    }

    void ReadExactly(Span<byte> destination, long position)
    {
        while (destination.Length > 0)
        {
            var read = RandomAccess.Read(_file!, destination, position);
            if (read == 0)
            {
                throw new IOException($"a temporary file in {directory} lost what was written to it");
            }

            position += read;
            destination = destination[read..];
        }
    }

    sealed class Pending
    {
        public SpooledRun[] Runs = new SpooledRun[FirstLength];

        public int Count;

        public List<(SpooledRun[]? Chunk, long Position)> Chunks { get; } = [];
    }
}
