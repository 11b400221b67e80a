using Pitr.Format.Manifests;

namespace Pitr.Operations.Restore;

/// <summary>Some bytes of a record on their way to their place in a file.</summary>
/// <param name="file">The file.</param>
/// <param name="offset">Where in it, in bytes.</param>
/// <param name="run">Where the bytes come from.</param>
/// <param name="heldBack">Kept in memory until everything else is durable: the control file.</param>
sealed class RestoreRun(RestoreFile file, long offset, ManifestRun run, bool heldBack)
{
    byte[]? _held;

    /// <summary>Where the bytes come from.</summary>
    public ManifestRun Run { get; } = run;

    /// <summary>Kept back until the end.</summary>
    public bool IsHeldBack => heldBack;

    /// <summary>Writes the bytes, or keeps a copy of them.</summary>
    public void Write(ReadOnlySpan<byte> content)
    {
        if (heldBack)
        {
            _held = content.ToArray();
            return;
        }

        file.Write(offset, content);
    }

    /// <summary>Writes the bytes that were kept.</summary>
    public void WriteHeldBack() => file.Write(offset, _held ?? throw new InvalidOperationException("the run was never read"));
}
