using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Mongodb;

/// <summary>What <c>mongodump --archive</c> writes, held against the format of archives as it flows by.</summary>
/// <param name="tool">The tool, just started.</param>
/// <param name="stream">What the stream is called, for messages.</param>
/// <param name="clean">Takes secrets out of messages.</param>
sealed class MongodbFeed(ToolFeed tool, string stream, Func<string, string> clean) : IDumpFeed
{
    readonly MongodbArchive _archive = new();

    /// <inheritdoc/>
    public string Name => tool.Name;

    /// <inheritdoc/>
    public Stream Output => field ??= new Watched(tool.Output, _archive);

    /// <inheritdoc/>
    public string Messages => clean(tool.Messages);

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, long> Contents => _archive.Contents;

    /// <inheritdoc/>
    public async Task<int> WaitAsync(CancellationToken cancellation)
    {
        var code = await tool.WaitAsync(cancellation);
        return code != 0 || _archive.WhyNotWhole() is not { } reason
            ? code
            : throw new ServerException($"{Name} ended well, but {stream} is not whole: {reason}; nothing was made of it: {Messages}");
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => tool.DisposeAsync();

    sealed class Watched(Stream source, MongodbArchive archive) : ReadingStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await source.ReadAsync(buffer, cancellationToken);
            archive.Add(buffer.Span[..read]);
            return read;
        }
    }
}
