using Pitr.Format;
using Pitr.Format.Wal;

namespace Pitr.Operations.Archive;

/// <summary>A WAL file out of a repository, authenticated, in memory; valid until disposed.</summary>
/// <param name="name">The file.</param>
/// <param name="content">Its bytes; disposed with this.</param>
/// <param name="fingerprint">Its fingerprint.</param>
/// <param name="systemIdentifier">The cluster's, from the segment's first page; 0 for files that carry none.</param>
sealed class ArchivedFile(WalFileName name, PooledBytes content, byte[] fingerprint, ulong systemIdentifier) : IDisposable
{
    public WalFileName Name => name;

    public ReadOnlyMemory<byte> Content => content.Memory;

    public byte[] Fingerprint => fingerprint;

    public ulong SystemIdentifier => systemIdentifier;

    public void Dispose() => content.Dispose();
}
