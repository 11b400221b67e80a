using System.Buffers;
using Microsoft.Win32.SafeHandles;
using Pitr.Format.Compression;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>
/// The stored bytes of one object, held here while they are checked and put: in memory up to a limit, beyond it in a private temporary file that
/// has no name any more.
/// </summary>
sealed class SpooledObject : ObjectContent, IDisposable
{
    const int BlockSize = 1 << 20;

    readonly long _length;
    byte[]? _memory;
    readonly SafeFileHandle? _file;

    SpooledObject(byte[]? memory, SafeFileHandle? file, long length)
    {
        _memory = memory;
        _file = file;
        _length = length;
    }

    public override long Length => _length;

    /// <summary>Reads an object of known size.</summary>
    /// <param name="store">Where it lies.</param>
    /// <param name="key">Which one.</param>
    /// <param name="size">Bytes it must have.</param>
    /// <param name="memoryLimit">More bytes than that go to a file.</param>
    /// <param name="directory">Where that file is made; created if need be.</param>
    /// <exception cref="ObjectNotFoundException">There is no such object.</exception>
    /// <exception cref="StorageException">It could not be read, or gave more or fewer bytes.</exception>
    /// <exception cref="ImpossiblePlanException">The file cannot be written.</exception>
    public static async Task<SpooledObject> ReadAsync(
        IObjectStore store, string key, long size, int memoryLimit, string directory, CancellationToken cancellation)
    {
        var inMemory = size <= memoryLimit;
        var spooled = new SpooledObject(
            inMemory ? ArrayPool<byte>.Shared.Rent((int)Math.Max(1, size)) : null, inMemory ? null : OpenFile(directory, size), size);
        try
        {
            await using var source = await store.OpenReadAsync(key, range: null, cancellation);
            if (inMemory)
            {
                Require(await source.ReadAtLeastAsync(spooled._memory.AsMemory(0, (int)size), (int)size, throwOnEndOfStream: false, cancellation));
            }
            else
            {
                Require(await spooled.FillFileAsync(source, directory, cancellation));
            }

            Require(await source.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false, cancellation) + size);
            return spooled;
        }
        catch
        {
            spooled.Dispose();
            throw;
        }

        void Require(long given)
        {
            if (given != size)
            {
                throw new StorageException(
                    store.Name, key, $"gave {(given < size ? $"only {given}" : "more")} of the {size} bytes it should have", isTransient: true,
                    "it was replaced meanwhile, or the store does not keep its word; run the copy again");
            }
        }
    }

    public override Stream OpenRead() => _file is null
        ? new MemoryStream(Memory, 0, (int)_length, writable: false)
        : new FileReader(_file, _length);

    public override bool TryGetMemory(out ReadOnlyMemory<byte> memory)
    {
        memory = _file is null ? Memory.AsMemory(0, (int)_length) : default;
        return _file is null;
    }

    public void Dispose()
    {
        _file?.Dispose();
        if (Interlocked.Exchange(ref _memory, null) is { } memory)
        {
            ArrayPool<byte>.Shared.Return(memory);
        }
    }

    byte[] Memory => _memory ?? throw new ObjectDisposedException(nameof(SpooledObject));

    static SafeFileHandle OpenFile(string directory, long size)
    {
        var path = Path.Combine(directory, $"copy-{Guid.NewGuid():N}.tmp");
        try
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            using var made = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Share = FileShare.ReadWrite | FileShare.Delete,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            // From here on it goes away by itself, however this process ends.
            File.Delete(path);
            return file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(directory, size, e);
        }
    }

    async Task<long> FillFileAsync(Stream source, string directory, CancellationToken cancellation)
    {
        var block = ArrayPool<byte>.Shared.Rent(BlockSize);
        try
        {
            var length = 0L;
            while (length < _length)
            {
                var wanted = (int)Math.Min(block.Length, _length - length);
                var read = await source.ReadAtLeastAsync(block.AsMemory(0, wanted), wanted, throwOnEndOfStream: false, cancellation);
                try
                {
                    RandomAccess.Write(_file!, block.AsSpan(0, read), length);
                }
                catch (IOException e)
                {
                    throw Unwritable(directory, _length, e);
                }

                length += read;
                if (read < wanted)
                {
                    break;
                }
            }

            return length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    static ImpossiblePlanException Unwritable(string directory, long size, Exception e) => new(
        $"{directory} cannot take {size} bytes of a large object for a moment: {e.Message}",
        "make room or allow writing there; state-directory of the configuration says where it is",
        e);

    sealed class FileReader(SafeFileHandle file, long length) : ForwardOnlyStream
    {
        long _position;

        public override bool CanRead => true;

        public override int Read(Span<byte> buffer)
        {
            var wanted = (int)Math.Min(buffer.Length, length - _position);
            var read = wanted == 0 ? 0 : RandomAccess.Read(file, buffer[..wanted], _position);
            _position += read;
            return read;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return ValueTask.FromResult(Read(buffer.Span));
        }
    }
}
