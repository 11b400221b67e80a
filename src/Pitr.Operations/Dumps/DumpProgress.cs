namespace Pitr.Operations.Dumps;

/// <summary>Where a dump or its restore is.</summary>
/// <param name="Phase">What it does now, in words.</param>
/// <param name="Bytes">Bytes of all streams so far.</param>
/// <param name="TotalBytes">About the whole, 0 when unknown.</param>
public sealed record DumpProgress(string Phase, long Bytes, long TotalBytes);
