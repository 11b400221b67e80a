namespace Pitr.Operations.Archive;

/// <summary>The three answers a recovering server can get; "could not ask" is never "there is none".</summary>
public enum ArchiveGetResult
{
    /// <summary>The file is in place, authenticated.</summary>
    Found,

    /// <summary>Every repository answered that there is no such file.</summary>
    ProvenAbsent,
}
