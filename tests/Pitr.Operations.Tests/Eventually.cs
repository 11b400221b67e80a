namespace Pitr.Operations.Tests;

static class Eventually
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Awaits a condition that something else brings about; the deadline only keeps a broken test from hanging.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var deadline = new CancellationTokenSource(Patience);
        while (!await condition())
        {
            Assert.False(deadline.IsCancellationRequested, $"not within {Patience}");
            await Task.Delay(1);
        }
    }

    /// <inheritdoc cref="UntilAsync(Func{Task{bool}})"/>
    public static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));
}
