namespace Pitr.Operations.Restore;

/// <summary>Bytes of a pack, until they are disposed.</summary>
sealed class FetchedBytes(FetchBuffers.Rented buffer, int length) : IDisposable
{
    /// <summary>The bytes.</summary>
    public ReadOnlySpan<byte> Span => buffer.Bytes.AsSpan(0, length);

    public void Dispose() => buffer.Dispose();
}
