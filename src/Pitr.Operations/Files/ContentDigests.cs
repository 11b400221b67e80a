using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Pitr.Operations.Files;

/// <summary>
/// What was decrypted, file by file, in 16 bytes each: pieces come in any order and from several threads, so a file's digest is the sum of those of its pieces, each with its place. Good against
/// mistakes and disks, not against somebody who chooses the content.
/// </summary>
sealed class ContentDigests
{
    readonly Lock _lock = new();
    UInt128[] _sums = [];

    /// <summary>Makes room.</summary>
    /// <param name="files">How many files there are.</param>
    public void Begin(int files) => _sums = new UInt128[files];

    /// <summary>Adds a piece of a file.</summary>
    /// <param name="file">Its number.</param>
    /// <param name="offset">Where the piece begins, in bytes.</param>
    /// <param name="bytes">The whole piece.</param>
    public void Add(int file, long offset, ReadOnlySpan<byte> bytes)
    {
        var digest = Of(offset, bytes);
        lock (_lock)
        {
            _sums[file] = unchecked(_sums[file] + digest);
        }
    }

    /// <summary>The sum of what was added of a file; 0 for one of which nothing was.</summary>
    public UInt128 this[int file] => _sums[file];

    /// <summary>The digest of a piece, to be summed up.</summary>
    public static UInt128 Of(long offset, ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        _ = SHA256.HashData(bytes, hash);
        // An odd factor loses nothing.
        return unchecked(BinaryPrimitives.ReadUInt128LittleEndian(hash) * (((UInt128)(ulong)offset * 2) + 1));
    }
}
