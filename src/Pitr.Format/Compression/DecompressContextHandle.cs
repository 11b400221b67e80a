using System.Runtime.InteropServices;

namespace Pitr.Format.Compression;

/// <summary>Owns a ZSTD_DCtx.</summary>
sealed class DecompressContextHandle : SafeHandle
{
    public DecompressContextHandle()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => Zstd.IsError(Zstd.FreeDCtx(handle)) == 0;
}
