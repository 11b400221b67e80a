using Pitr.Operations.Errors;
using Pitr.Postgres.Dumps;

namespace Pitr.Operations.Extract;

/// <summary>A dump that a stream takes: standard output.</summary>
/// <param name="to">Takes it.</param>
/// <param name="format">Its form; a directory does not fit.</param>
public sealed class DumpStream(Stream to, DumpFormat format) : IDumpDestination
{
    /// <inheritdoc/>
    public string Description => "standard output";

    /// <inheritdoc/>
    public IReadOnlyList<string> Programs => [];

    /// <inheritdoc/>
    public Task RequirePossibleAsync(DumpNames names, CancellationToken cancellation) => format == DumpFormat.Directory
        ? throw new RefusedInputException("a directory does not go to standard output", "--format custom or plain does")
        : Task.CompletedTask;

    /// <inheritdoc/>
    public Task RequireFreeAsync(DumpSelection selection, CancellationToken cancellation) => Task.CompletedTask;

    /// <inheritdoc/>
    public async Task<long> TakeAsync(PgDumpOptions options, IReadOnlyDictionary<string, string> programs, Action<long> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        await using var dump = PgDump.Start(options with { Format = format });
        try
        {
            return await DumpCopy.RunAsync(dump, to, progress, cancellation);
        }
        catch (IOException e)
        {
            throw new RefusedInputException($"standard output does not take the dump: {e.Message}", "did the program behind the pipe end?", e);
        }
    }
}
