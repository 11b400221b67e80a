using Pitr.Storage.Tests.Child;

namespace Pitr.Storage.Tests;

/// <summary>An object that is larger than the memory a driver may take, put and read by a process that does nothing else.</summary>
static class LargeObject
{
    const long Length = 300_000_000;
    const int MaxMemory = 128 * 1024;

    /// <summary>The most memory the process ever had, .NET included, is below 128 MiB.</summary>
    /// <param name="childStore">What <see cref="ChildProgram"/> opens.</param>
    /// <param name="mode">How to put it.</param>
    public static async Task RequireLittleMemoryAsync(string childStore, PutMode mode)
    {
        using var child = ChildProcess.Start("large", childStore, "large", Length.ToString(), mode.ToString());
        var answer = Assert.Single(await child.ReadToEndAsync()).Split(' ');
        Assert.Equal(Length, long.Parse(answer[0]));
        Assert.InRange(int.Parse(answer[1]), 1, MaxMemory);
    }
}
