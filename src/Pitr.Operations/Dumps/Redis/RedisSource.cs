using Pitr.Operations.Configuration;

namespace Pitr.Operations.Dumps.Redis;

/// <summary>What a Redis server holds, as the RDB file that a replica would get (<c>redis-cli --rdb -</c>).</summary>
/// <param name="settings">The service.</param>
public sealed class RedisSource(RedisSettings settings) : IDumpSource
{
    /// <summary>What the server is called in the catalog.</summary>
    public const string Product = "Redis";

    /// <summary>Name of the only stream.</summary>
    public const string Stream = "dump.rdb";

    /// <summary>Format of the stream.</summary>
    public const string Format = "rdb";

    static readonly string[] Routine = ["sending REPLCONF ", "SYNC sent to master", "Transfer finished with success"];

    RedisTools? _tools;

    /// <inheritdoc/>
    public async Task<DumpPlan> PlanAsync(CancellationToken cancellation)
    {
        _tools = new RedisTools(settings);
        var (version, bytes) = await _tools.ReadServerAsync(cancellation);
        return new DumpPlan(await _tools.ReadVersionAsync(cancellation), Product, version, [new PlannedStream(Stream, Format, null)], bytes);
    }

    /// <inheritdoc/>
    public Task<IDumpFeed> StartAsync(PlannedStream stream, CancellationToken cancellation) => Task.FromResult<IDumpFeed>(new ToolFeed(_tools!.StartDump()));

    /// <inheritdoc/>
    public Task<IReadOnlyList<ServerCount>> CountAsync(PlannedStream stream, CancellationToken cancellation) => _tools!.CountAsync(cancellation);

    /// <inheritdoc/>
    public string? WhyNotWhole(PlannedStream stream, ReadOnlySpan<byte> tail) =>
        RdbEnd.IsWhole(tail[..^RdbEnd.TransferMark(tail)]) ? null : "its end mark is missing";

    /// <inheritdoc/>
    public bool IsRoutine(string message) =>
        Routine.Any(beginning => message.StartsWith(beginning, StringComparison.Ordinal));

    /// <inheritdoc/>
    public string? Hint(string messages) => RedisTools.Hint(messages);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
