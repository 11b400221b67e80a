using System.Buffers;
using Pitr.Operations.Backup;
using Pitr.Postgres;
using Pitr.Postgres.Programs;

namespace Pitr.Operations.Files.Journal;

/// <summary>What journalctl writes, on its way into a backup: the entries that a filter lets through.</summary>
/// <param name="program">Just started; ended with this.</param>
/// <param name="filter">Chooses.</param>
sealed class JournalStream(ClientProgram program, JournalFilter filter) : IFileContent, IAsyncDisposable
{
    const int BlockSize = 64 << 10;

    readonly byte[] _block = new byte[BlockSize];
    readonly ArrayBufferWriter<byte> _ready = new(2 * BlockSize);
    int _given;
    bool _hasEnded;

    /// <inheritdoc/>
    public long Length => long.MaxValue;

    /// <inheritdoc/>
    public bool CanReadAgain => false;

    /// <summary>What journalctl wrote to its standard error, once all was read.</summary>
    public string Messages => program.Messages;

    /// <summary>Reads until the first entry has begun, or there is none.</summary>
    /// <exception cref="ServerException">journalctl failed, or what it wrote is no journal.</exception>
    public async Task PeekAsync(CancellationToken cancellation)
    {
        while (filter.FirstCursor is null && await FillAsync(cancellation))
        {
        }
    }

    /// <inheritdoc/>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        var read = 0;
        while (read < buffer.Length)
        {
            if (_given == _ready.WrittenCount)
            {
                _ready.ResetWrittenCount();
                _given = 0;
                if (!await FillAsync(cancellation))
                {
                    break;
                }
            }

            var taken = Math.Min(buffer.Length - read, _ready.WrittenCount - _given);
            _ready.WrittenMemory.Slice(_given, taken).CopyTo(buffer[read..]);
            _given += taken;
            read += taken;
        }

        return read;
    }

    /// <inheritdoc/>
    public int ReadAgain(long offset, Span<byte> bytes) => throw new NotSupportedException("a stream is read once");

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => program.DisposeAsync();

    // False at the end.
    async Task<bool> FillAsync(CancellationToken cancellation)
    {
        if (_hasEnded)
        {
            return false;
        }

        if (await program.Output.ReadAsync(_block, cancellation) is > 0 and var read)
        {
            filter.Write(_block.AsSpan(0, read), _ready);
            return true;
        }

        _hasEnded = true;
        var code = await program.WaitAsync(cancellation);
        if (code != 0)
        {
            throw JournalTool.Failed(code, program.Messages);
        }

        filter.Complete();
        return false;
    }
}
