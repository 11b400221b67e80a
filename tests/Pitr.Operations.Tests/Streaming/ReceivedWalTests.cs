using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Streaming;

namespace Pitr.Operations.Tests.Streaming;

public class ReceivedWalTests
{
    const int SegmentBytes = 1 << 20;

    [Fact]
    public async Task What_is_received_and_not_stored_is_bounded_and_the_server_is_not_kept_waiting_for_ever()
    {
        using var wal = new ReceivedWal(new Timeline(1), new Lsn(0), WalSample.Small, TimeSpan.FromMilliseconds(50));
        var error = await Assert.ThrowsAsync<RepositoryUnavailableException>(async () =>
        {
            while (true)
            {
                await wal.AppendAsync(wal.End, new MemoryStream(new byte[128 << 10]), default);
            }
        });
        Assert.Contains("faster than the repositories take it", error.Message, StringComparison.Ordinal);
        Assert.InRange(wal.End.Value, 2UL * SegmentBytes, 32UL * SegmentBytes);
        Assert.True(wal.IsBehind);

        // What was received is there, and with room again receiving goes on where it was.
        var head = wal.Take();
        Assert.True(head.IsFull);
        wal.Return(head);
        var end = wal.End;
        await wal.AppendAsync(end, new MemoryStream(new byte[1000]), default);
        Assert.Equal(end + 1000, wal.End);
    }
}
