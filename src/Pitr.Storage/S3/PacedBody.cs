using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.Runtime.Internal.Util;

namespace Pitr.Storage.S3;

/// <summary>
/// The body of a put whose content may only be sent at a rate. The SDK reads a body first for its checksum, where the store wants one, and then
/// to send it; only what is read from <see cref="BeginSending"/> on waits.
/// </summary>
sealed class PacedBody(Stream inner, ObjectContent content) : Stream
{
    bool _sending;

    /// <summary>The request's, which does not count the waiting.</summary>
    public RequestClock? Clock { get; set; }

    public override bool CanRead => true;

    public override bool CanSeek => inner.CanSeek;

    public override bool CanWrite => false;

    public override long Length => inner.Length;

    public override long Position
    {
        get => inner.Position;
        set => inner.Position = value;
    }

    /// <summary>The body for a request: the bytes themselves where nothing limits them.</summary>
    public static Stream Around(Stream inner, ObjectContent content) => content.IsPaced ? new PacedBody(inner, content) : inner;

    public void BeginSending() => _sending = true;

    public override int Read(byte[] buffer, int offset, int count) =>
        _sending ? throw new NotSupportedException("a body is sent asynchronously") : inner.Read(buffer, offset, count);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!_sending)
        {
            return await inner.ReadAsync(buffer, cancellationToken);
        }

        var read = await inner.ReadAsync(buffer[..content.MaxSend(buffer.Length)], cancellationToken);
        var waiting = content.BeforeSendingAsync(read, cancellationToken);
        if (waiting.IsCompleted)
        {
            await waiting;
            return read;
        }

        Clock?.Pause();
        await waiting;
        Clock?.Resume();
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Tells a body that from now on it is sent. Belongs behind everything that reads it for other reasons.</summary>
    public sealed class Sender : PipelineHandler
    {
        public override Task<T> InvokeAsync<T>(IExecutionContext executionContext)
        {
            if (executionContext.RequestContext.Request.ContentStream is { } sent)
            {
                // The SDK wraps the body of a part.
                var body = sent is WrapperStream wrapper ? wrapper.SearchWrappedStream(static stream => stream is PacedBody) : sent;
                (body as PacedBody)?.BeginSending();
            }

            return base.InvokeAsync<T>(executionContext);
        }
    }
}
