namespace Pitr.Operations.Restore;

/// <summary>A directory of a backup.</summary>
/// <param name="Place">0 for the data directory, n for the n-th tablespace.</param>
/// <param name="Path">Relative to the place; empty for the place itself.</param>
/// <param name="Parent">Number of the directory it lies in; -1 for a place itself.</param>
/// <param name="Mode">Permission bits.</param>
readonly record struct ContentDirectory(int Place, string Path, int Parent, int Mode);
