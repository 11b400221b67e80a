namespace Pitr.Postgres.Tests.Servers;

static class Eventually
{
    /// <summary>Awaits a condition that something else brings about; the deadline only keeps a broken test from hanging.</summary>
    public static async Task IsTrueAsync(Func<Task<bool>> condition, string what)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!await condition())
        {
            Assert.False(deadline.IsCancellationRequested, $"did not happen: {what}");
            await Task.Delay(20);
        }
    }
}
