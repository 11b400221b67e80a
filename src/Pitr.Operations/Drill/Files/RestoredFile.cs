using Pitr.Operations.Files;

namespace Pitr.Operations.Drill.Files;

/// <summary>Something that lies in a restored tree.</summary>
/// <param name="Path">As in the manifest.</param>
/// <param name="Status">What it is.</param>
/// <param name="IsFurtherName">Whether it is a file of which another name was found before.</param>
readonly record struct RestoredFile(string Path, TreeStatus Status, bool IsFurtherName);
