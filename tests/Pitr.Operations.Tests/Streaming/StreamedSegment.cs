using Pitr.Format;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Services;
using Pitr.Operations.Streaming;

namespace Pitr.Operations.Tests.Streaming;

/// <summary>A segment that is stored in pieces, as a stream does it.</summary>
sealed class StreamedSegment(Scenario scenario, string name, byte[] content, ulong systemIdentifier = WalSample.SystemIdentifier)
{
    public StreamedSegment(Scenario scenario, string name, int seed = 1, params DateTimeOffset[] commits)
        : this(scenario, name, WalSample.Segment(name, seed, commits: commits))
    {
    }

    public WalSegmentName Name { get; } = WalSegmentName.Parse(name);

    public byte[] Content => content;

    /// <summary>Stores pieces that end at these offsets, one after the other.</summary>
    public Task StoreAsync(int from, params int[] ends) => StoreAsync(scenario.Service, from, ends);

    /// <summary>The same into the repositories of another service.</summary>
    public async Task StoreAsync(PostgresService service, int from, params int[] ends)
    {
        var buffer = Receive();
        buffer.Stored = from;
        foreach (var end in ends)
        {
            await new PieceStore(service, systemIdentifier).StoreAsync(buffer, end, default);
        }
    }

    /// <summary>The segment as if it had been received.</summary>
    public SegmentBuffer Receive()
    {
        var buffer = new SegmentBuffer(Name, new byte[Content.Length]);
        Content.CopyTo(buffer.Room);
        buffer.Advance(Content.Length);
        return buffer;
    }

    public string KeyOf(int from, int to) => RepositoryLayout.WalPiece(scenario.Service.Name, new WalPieceName(Name, (uint)from, (uint)to));

    public Task<PooledBytes?> ReadAsync() => new SegmentAssembly(scenario.Service).TryReadAsync(Name, default);

    /// <summary>Whether it is this up to an offset and zeros after it.</summary>
    public void RequirePrefix(PooledBytes? read, int end)
    {
        Assert.NotNull(read);
        Assert.Equal(Content.Length, read.Memory.Length);
        Assert.True(read.Span[..end].SequenceEqual(Content.AsSpan(0, end)));
        Assert.Equal(-1, read.Span[end..].IndexOfAnyExcept((byte)0));
    }
}
