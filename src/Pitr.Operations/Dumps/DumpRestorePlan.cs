using Pitr.Format.Catalog;

namespace Pitr.Operations.Dumps;

/// <summary>What a restore will do; everything that can be refused beforehand has been.</summary>
/// <param name="Entry">The backup.</param>
/// <param name="Manifest">What it consists of.</param>
/// <param name="Tool">The tool that takes the streams, with its version.</param>
/// <param name="Target">The server or directory, for messages.</param>
/// <param name="Steps">In the order in which they are done.</param>
public sealed record DumpRestorePlan(DumpDocument Entry, DumpManifest Manifest, string Tool, string Target, IReadOnlyList<DumpRestoreStep> Steps)
{
    /// <summary>Bytes of all streams that are read.</summary>
    public long Bytes => Steps.Sum(step => step.Stream.Bytes);
}
