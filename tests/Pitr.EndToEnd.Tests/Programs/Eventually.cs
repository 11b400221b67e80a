namespace Pitr.EndToEnd.Tests.Programs;

static class Eventually
{
    /// <summary>Awaits a condition that something else brings about; the deadline only keeps a broken test from hanging.</summary>
    public static async Task IsTrueAsync(Func<Task<bool>> condition, Func<string> what)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!await condition())
        {
            Assert.False(deadline.IsCancellationRequested, $"did not happen: {what()}");
            await Task.Delay(20);
        }
    }

    public static Task IsTrueAsync(Func<bool> condition, Func<string> what) => IsTrueAsync(() => Task.FromResult(condition()), what);
}
