namespace Pitr.Operations.Dumps;

/// <summary>What a dump will be, known before its first byte: the server was asked and the tools are there.</summary>
/// <param name="Tool">The tool with its version, e.g. "pg_dump 15.13".</param>
/// <param name="Product">What the server is, e.g. "PostgreSQL".</param>
/// <param name="ServerVersion">Its version as it says it.</param>
/// <param name="Streams">In the order in which they are taken; at least one.</param>
/// <param name="EstimatedBytes">About how much the server holds; 0 when it does not say.</param>
public sealed record DumpPlan(string Tool, string Product, string ServerVersion, IReadOnlyList<PlannedStream> Streams, long EstimatedBytes);
