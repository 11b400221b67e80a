namespace Pitr.Operations.Backup;

/// <summary>Writes everything to one stream, and to a second one as long as that one takes it: what the second is for is worth no failure of the first.</summary>
sealed class TeeStream(Stream first, Stream? second) : Stream
{
    Stream? _second = second;

    /// <summary>The second stream has all that the first one has.</summary>
    public bool IsSecondWhole => _second is not null;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        first.Write(buffer);
        try
        {
            _second?.Write(buffer);
        }
        catch (IOException)
        {
            _second = null;
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    // Not the first one: it knows by itself when it has enough to compress.
    public override void Flush()
    {
        try
        {
            _second?.Flush();
        }
        catch (IOException)
        {
            _second = null;
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
