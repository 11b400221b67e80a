using System.Security.Cryptography;
using Pitr.Format.Compression;

namespace Pitr.Operations.Verify;

/// <summary>Reads another stream and computes its SHA-256 on the way. Disposes it.</summary>
/// <param name="source">The other stream.</param>
/// <param name="onRead">Told how many bytes were read, each time.</param>
sealed class HashedStream(Stream source, Action<long> onRead) : ForwardOnlyStream
{
    readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public override bool CanRead => true;

    /// <summary>Bytes that were read.</summary>
    public long BytesRead { get; private set; }

    /// <summary>SHA-256 of what was read so far, lower-case hexadecimal.</summary>
    public string Sha256() => Convert.ToHexStringLower(_hash.GetCurrentHash());

    public override int Read(Span<byte> buffer) => Count(buffer[..source.Read(buffer)]);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await source.ReadAsync(buffer, cancellationToken);
        return Count(buffer.Span[..read]);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            source.Dispose();
            _hash.Dispose();
        }

        base.Dispose(disposing);
    }

    int Count(ReadOnlySpan<byte> read)
    {
        _hash.AppendData(read);
        BytesRead += read.Length;
        onRead(read.Length);
        return read.Length;
    }
}
