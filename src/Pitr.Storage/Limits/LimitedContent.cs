namespace Pitr.Storage.Limits;

/// <summary>A content that tells the driver at which rate its bytes may be sent.</summary>
sealed class LimitedContent(ObjectContent inner, BandwidthLimit limit) : ObjectContent
{
    public override long Length => inner.Length;

    internal override bool IsPaced => true;

    public override Stream OpenRead() => inner.OpenRead();

    public override bool TryGetMemory(out ReadOnlyMemory<byte> memory) => inner.TryGetMemory(out memory);

    internal override int MaxSend(int bytes) => inner.MaxSend(Math.Min(bytes, limit.MaxBurst));

    // Limits around limits hold as well.
    internal override async ValueTask BeforeSendingAsync(int bytes, CancellationToken cancellationToken)
    {
        await inner.BeforeSendingAsync(bytes, cancellationToken);
        await limit.TakeAsync(bytes, cancellationToken);
    }
}
