using System.Buffers;
using Pitr.Format.Packs;
using Pitr.Postgres.Pages;
using Serilog;

namespace Pitr.Operations.Backup;

/// <summary>
/// Written while a backup runs, beside nothing else of it: which pages of relations are in which pack, and which packs are stored. When the backup is interrupted,
/// however that happens, the next one finds here what need not be copied again. It is worth no failure of the backup: where it cannot be written it ends early.
/// Safe for several threads.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="log">Told when it cannot be written.</param>
sealed class BackupJournal(string path, ILogger log) : IDisposable
{
    const int FlushSize = 64 << 10;

    readonly Lock _writing = new();
    readonly ArrayBufferWriter<byte> _buffer = new(FlushSize * 2);
    FileStream? _file;
    bool _holdsPacks;

    /// <summary>Opens it; nothing is kept before.</summary>
    public void Begin(JournalHeader header)
    {
        lock (_writing)
        {
            Try(() =>
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
                _file = new FileStream(path, new FileStreamOptions
                {
                    Mode = FileMode.Create,
                    Access = FileAccess.Write,
                    // Nothing left to write when it is closed.
                    BufferSize = 0,
                    UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                });
                Add(new JournalLine { Begun = header });
                Flush();
            });
        }
    }

    /// <summary>A record has its place in a pack that is still being filled.</summary>
    public void Place(int pack, PackRecord record, RecordDraft draft)
    {
        lock (_writing)
        {
            foreach (var file in draft.Slices.GroupBy(slice => slice.Entry))
            {
                // Nothing else is ever compared page by page.
                if (_file is null || !RelationFileName.TryParse(file.Key.Path, out var relation) || relation.Fork != RelationFork.Main)
                {
                    continue;
                }

                long[] pieces = [.. file.SelectMany(slice => new[] { slice.FileOffset, slice.Length, slice.Offset })];
                Add(new JournalLine { Placed = new PlacedPieces(file.Key.Path, pack, record.Index, record.Offset, record.StoredLength, pieces) });
                if (_buffer.WrittenCount >= FlushSize)
                {
                    Try(Flush);
                }
            }
        }
    }

    /// <summary>A file has a damaged page, which has no place yet: nothing of it is to be used again.</summary>
    public void Damage(string file)
    {
        lock (_writing)
        {
            Add(new JournalLine { Damaged = file });
        }
    }

    /// <summary>A pack of which everything was placed is stored.</summary>
    public void Store(JournaledPack pack)
    {
        lock (_writing)
        {
            Add(new JournalLine { Stored = pack });
            Try(Flush);
            _holdsPacks |= _file is not null;
        }
    }

    void Add(JournalLine line)
    {
        if (_file is not null)
        {
            _buffer.Write(line.ToBytes());
            _buffer.Write("\n"u8);
        }
    }

    void Flush()
    {
        _file?.Write(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
    }

    // What is in the file stays good: a line that was cut off is told by its digest, and none follows.
    void Try(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Warning("if this backup is interrupted, the next one copies again what is stored from now on: {Reason}", e.Message);
            _file?.Dispose();
            _file = null;
        }
    }

    /// <summary>Closes it. A file stays that names stored packs.</summary>
    public void Dispose()
    {
        lock (_writing)
        {
            if (_file is not null && !_holdsPacks)
            {
                Try(() => File.Delete(path));
            }

            _file?.Dispose();
            _file = null;
        }
    }
}
