using Pitr.Storage.Sftp;

namespace Pitr.Storage.Tests.Sftp;

public sealed class SftpTurnsTests
{
    [Fact]
    public async Task One_after_the_other()
    {
        var turns = new SftpTurns();
        var first = await turns.TakeAsync(CancellationToken.None);
        var second = turns.TakeAsync(CancellationToken.None);
        Assert.False(second.IsCompleted);
        first.Dispose();
        using var taken = await second.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Whoever_gives_up_waiting_is_passed_over()
    {
        var turns = new SftpTurns();
        using var cancellation = new CancellationTokenSource();
        var first = await turns.TakeAsync(CancellationToken.None);
        var second = turns.TakeAsync(cancellation.Token);
        var third = turns.TakeAsync(CancellationToken.None);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        first.Dispose();
        using var taken = await third.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void What_has_to_wait_for_others_takes_no_turn()
    {
        Assert.True(ObjectContent.FromMemory(new byte[1]).IsAtHand);
        Assert.False(Contents.Streamed(new byte[1]).IsAtHand);
    }
}
