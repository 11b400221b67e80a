using Pitr.Format;
using Pitr.Format.Manifests;
using Pitr.Operations.Backup;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;

namespace Pitr.Operations.Files;

/// <summary>The bytes of a stored file on their way into another backup: fetched from its packs, a window at a time.</summary>
/// <param name="service">Whose.</param>
/// <param name="runs">Where the file is stored.</param>
/// <param name="packs">The packs, by index.</param>
sealed class StoredContent(PackedService service, IReadOnlyList<ManifestRun> runs, IReadOnlyDictionary<int, ManifestPack> packs) : IFileContent, IRunWriter
{
    const int Window = 4 << 20;

    readonly PackFetch _fetch = new(
        service, new FetchBuffers((int)runs.Where(run => !run.IsZeros).Select(run => packs.GetValueOrDefault(run.Pack)?.Size ?? 0).Where(size => size <= Array.MaxLength).DefaultIfEmpty(0).Max()));

    byte[] _window = [];
    int _filled;
    int _given;
    int _next;
    long _zeros;

    /// <inheritdoc/>
    public long Length { get; } = runs.Sum(run => run.Length);

    /// <inheritdoc/>
    public bool CanReadAgain => false;

    /// <inheritdoc/>
    /// <exception cref="DamagedRepositoryException">No repository has it undamaged.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        var read = 0;
        while (read < buffer.Length)
        {
            if (_given == _filled && !await FillAsync(cancellation))
            {
                break;
            }

            var taken = Math.Min(buffer.Length - read, _filled - _given);
            _window.AsMemory(_given, taken).CopyTo(buffer[read..]);
            _given += taken;
            read += taken;
        }

        return read;
    }

    /// <inheritdoc/>
    public int ReadAgain(long offset, Span<byte> bytes) => throw new NotSupportedException("what is stored is read once");

    /// <inheritdoc/>
    public void Write(in SpooledRun run, ReadOnlySpan<byte> bytes) => bytes.CopyTo(_window.AsSpan((int)run.Offset));

    // False at the end.
    async Task<bool> FillAsync(CancellationToken cancellation)
    {
        (_filled, _given) = (0, 0);
        if (_zeros == 0)
        {
            if (_next == runs.Count)
            {
                return false;
            }

            if (!runs[_next].IsZeros)
            {
                await FetchAsync(cancellation);
                return true;
            }

            _zeros = runs[_next++].Length;
        }

        _filled = (int)Math.Min(_zeros, Window);
        Reserve(_filled);
        _window.AsSpan(0, _filled).Clear();
        _zeros -= _filled;
        return true;
    }

    // What follows one another in one pack, up to a window.
    async Task FetchAsync(CancellationToken cancellation)
    {
        var first = runs[_next];
        var pack = packs.GetValueOrDefault(first.Pack) ?? throw new DamagedRepositoryException($"pack {first.Pack} is used and not in the manifest's pack table", RestoreFailure.PackHint);
        var wanted = new List<SpooledRun>();
        for (; _next < runs.Count && runs[_next] is { IsZeros: false } run && run.Pack == first.Pack && (wanted.Count == 0 || _filled + run.Length <= Window); _next++)
        {
            wanted.Add(new SpooledRun(_filled, run.PackOffset, run.Length, 0, run.Record, run.StoredLength, run.SliceOffset));
            _filled += checked((int)run.Length);
        }

        Reserve(_filled);
        var (key, size) = _fetch.Locate(pack);
        try
        {
            await new PackRestore(service, _fetch, pack, new PackRecords([.. wanted], size), this).RunAsync(cancellation);
        }
        catch (Exception e) when (e is DamagedObjectException or UnsupportedFormatException)
        {
            throw RestoreFailure.Explain(e, key, RestoreFailure.PackHint);
        }
    }

    void Reserve(int length)
    {
        if (_window.Length < length)
        {
            _window = GC.AllocateUninitializedArray<byte>(Math.Max(length, Math.Min(Window, (int)Math.Min(Length, Window))));
        }
    }
}
