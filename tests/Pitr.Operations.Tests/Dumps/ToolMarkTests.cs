using Pitr.Operations.Dumps;
using Pitr.Postgres.Programs;

namespace Pitr.Operations.Tests.Dumps;

/// <summary>Tools that a killed run has left are found and ended, and no others.</summary>
public sealed class ToolMarkTests
{
    [Fact]
    public async Task Whatever_has_the_mark_is_ended_with_what_it_has_started()
    {
        var (mark, other) = (new ToolMark($"test {Guid.NewGuid():N}"), new ToolMark($"test {Guid.NewGuid():N}"));
        await using var marked = ClientProgram.Start("/bin/sh", ["-c", "sleep 600 & wait"], mark.Put);
        await using var spared = ClientProgram.Start("/bin/sleep", ["600"], other.Put);
        var child = await ChildOfAsync(marked.ProcessId);
        Assert.Contains("sh", mark.EndAll());
        Assert.NotEqual(0, await marked.WaitAsync(default));
        Assert.False(Directory.Exists($"/proc/{child}") && !File.ReadAllText($"/proc/{child}/stat").Contains(") Z", StringComparison.Ordinal));
        Assert.True(Directory.Exists($"/proc/{spared.ProcessId}"));
        Assert.Empty(mark.EndAll());
    }

    // The shell needs a moment to start it.
    static async Task<string> ChildOfAsync(int process)
    {
        while (true)
        {
            if (File.ReadAllText($"/proc/{process}/task/{process}/children").Trim() is { Length: > 0 } child)
            {
                return child;
            }

            await Task.Delay(10);
        }
    }
}
