using Pitr.Postgres.Programs;

namespace Pitr.Postgres.Tests.Programs;

/// <summary>A vendor's tool that is ended.</summary>
public sealed class ClientProgramTests
{
    [Fact]
    public async Task What_a_script_around_a_tool_has_started_ends_with_it()
    {
        // The child writes into the pipes of the script, and would keep them open.
        var program = ClientProgram.Start("/bin/sh", ["-c", "cat /dev/zero; true"], _ => { });
        program.Input.Close();
        var block = new byte[1 << 16];
        Assert.True(await Task.Run(() => program.Output.Read(block)) > 0, "it has begun");
        await program.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1));
    }
}
