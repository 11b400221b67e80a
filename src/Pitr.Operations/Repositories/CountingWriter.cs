using Pitr.Format.Compression;

namespace Pitr.Operations.Repositories;

/// <summary>Counts what is written to another stream, which it leaves open.</summary>
sealed class CountingWriter(Stream destination) : ForwardOnlyStream
{
    public long Written { get; private set; }

    public override bool CanWrite => true;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        destination.Write(buffer);
        Written += buffer.Length;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await destination.WriteAsync(buffer, cancellationToken);
        Written += buffer.Length;
    }
}
