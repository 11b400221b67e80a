namespace Pitr.Operations.Restore;

/// <summary>Puts the bytes of records to their places, for one thread.</summary>
interface IRunWriter
{
    /// <summary>Puts bytes to their place.</summary>
    void Write(in SpooledRun run, ReadOnlySpan<byte> bytes);
}
