using System.Buffers;
using Pitr.Format.Wal;

namespace Pitr.Operations.Archive;

/// <summary>A WAL file out of a repository, authenticated, in memory; valid until disposed.</summary>
/// <param name="name">The file.</param>
/// <param name="memory">Its bytes and perhaps more; disposed with this.</param>
/// <param name="length">How many bytes it has.</param>
/// <param name="fingerprint">Its fingerprint.</param>
/// <param name="systemIdentifier">The cluster's, from the segment's first page; 0 for files that carry none.</param>
sealed class ArchivedFile(WalFileName name, IMemoryOwner<byte> memory, int length, byte[] fingerprint, ulong systemIdentifier) : IDisposable
{
    public WalFileName Name => name;

    public ReadOnlyMemory<byte> Content => memory.Memory[..length];

    public byte[] Fingerprint => fingerprint;

    public ulong SystemIdentifier => systemIdentifier;

    public void Dispose() => memory.Dispose();
}
