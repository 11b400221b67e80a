using Pitr.Postgres.Programs;

namespace Pitr.Operations.Dumps;

/// <summary>What a tool of the vendor writes to its standard output. The tool reads nothing.</summary>
sealed class ToolFeed : IDumpFeed
{
    readonly ClientProgram _program;

    /// <param name="program">The tool, just started.</param>
    public ToolFeed(ClientProgram program)
    {
        _program = program;
        program.Input.Close();
    }

    /// <inheritdoc/>
    public string Name => _program.Name;

    /// <inheritdoc/>
    public Stream Output => _program.Output;

    /// <inheritdoc/>
    public string Messages => _program.Messages;

    /// <inheritdoc/>
    public Task<int> WaitAsync(CancellationToken cancellation) => _program.WaitAsync(cancellation);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _program.DisposeAsync();
}
