using Pitr.Storage.S3;

namespace Pitr.Storage.Tests.S3;

/// <summary>Waiting for one's own bandwidth limit is not the server's slowness.</summary>
public sealed class RequestClockTests
{
    [Fact]
    public void Time_spent_waiting_does_not_count()
    {
        var time = new TestClock(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        using var clock = new RequestClock(TimeSpan.FromSeconds(10), time);
        for (var i = 0; i < 3; i++)
        {
            time.Advance(TimeSpan.FromSeconds(3));
            clock.Pause();
            time.Advance(TimeSpan.FromHours(1));
            Assert.False(clock.Token.IsCancellationRequested);
            clock.Resume();
        }

        time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.False(clock.Token.IsCancellationRequested);
        time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.True(clock.Token.IsCancellationRequested);
    }
}
