using Pitr.Operations.Dumps;
using Pitr.Postgres.Programs;

namespace Pitr.Operations.Tests.Dumps;

/// <summary>A double of a server with its tool: each stream is what a shell script writes. A real process and real pipes, and no server.</summary>
sealed class ScriptedDumpSource(params (string Name, string Script)[] streams) : IDumpSource
{
    public const string Product = "Scripted";

    public Task<DumpPlan> PlanAsync(CancellationToken cancellation) =>
        Task.FromResult(new DumpPlan("sh 1", Product, "1.0", [.. streams.Select(s => new PlannedStream(s.Name, "rdb", null))], 0));

    public Task<IDumpFeed> StartAsync(PlannedStream stream, CancellationToken cancellation) =>
        Task.FromResult<IDumpFeed>(new ToolFeed(ClientProgram.Start("/bin/sh", ["-c", streams.Single(s => s.Name == stream.Name).Script], _ => { })));

    public string? WhyNotWhole(PlannedStream stream, ReadOnlySpan<byte> tail) => null;

    public string? Hint(string messages) => null;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
