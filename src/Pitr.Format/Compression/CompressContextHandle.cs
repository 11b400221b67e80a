using System.Runtime.InteropServices;

namespace Pitr.Format.Compression;

/// <summary>Owns a ZSTD_CCtx.</summary>
sealed class CompressContextHandle : SafeHandle
{
    public CompressContextHandle()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => Zstd.IsError(Zstd.FreeCCtx(handle)) == 0;
}
