using System.Runtime.InteropServices;

namespace Pitr.Format.Compression;

/// <summary>ZSTD_inBuffer and ZSTD_outBuffer of zstd.h, which have the same layout.</summary>
[StructLayout(LayoutKind.Sequential)]
unsafe struct ZstdBuffer
{
    public byte* Address;
    public nuint Size;
    public nuint Position;
}
