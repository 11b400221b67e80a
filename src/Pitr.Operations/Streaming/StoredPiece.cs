using Pitr.Format;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Streaming;

/// <summary>A piece that was fetched and opened.</summary>
/// <param name="Name">The name it was stored under.</param>
/// <param name="Fingerprint">The fingerprint it was stored with.</param>
/// <param name="Bytes">Its content.</param>
sealed record StoredPiece(WalPieceName Name, byte[] Fingerprint, byte[] Bytes)
{
    /// <summary>Fetches and opens a piece.</summary>
    /// <exception cref="DamagedObjectException">It was changed, or is no piece of this length.</exception>
    /// <exception cref="ObjectNotFoundException">It is not there.</exception>
    /// <exception cref="StorageException">The repository did not give it.</exception>
    /// <exception cref="KeyUnavailableException">No key opens it.</exception>
    public static async Task<StoredPiece> OpenAsync(PostgresService service, IObjectStore store, WalPieceName name, CancellationToken cancellation)
    {
        var stored = await store.ReadAllAsync(RepositoryLayout.WalPiece(service.Name, name), cancellation);
        var header = SealedObjectHeader.Parse(stored);
        if (header.Kind != SealedObjectKind.Wal || header.PlaintextLength != name.Length)
        {
            throw new DamagedObjectException($"is a sealed {header.Kind} of {header.PlaintextLength} bytes, its name says a piece of {name.Length}");
        }

        var key = await service.OpeningKeys.GetAsync(header.KeyId, cancellation);
        return new StoredPiece(name, header.Fingerprint, SealedObject.Open(stored, key));
    }

    /// <summary>Whether it is what its name says, of this cluster.</summary>
    /// <param name="systemIdentifier">The cluster's.</param>
    /// <param name="segmentStart">Position of the segment's first byte.</param>
    public bool IsOf(ulong systemIdentifier, Lsn segmentStart) =>
        WalPieceFingerprint.Compute(systemIdentifier, Name.Segment.Timeline, segmentStart + Name.From, Bytes).AsSpan().SequenceEqual(Fingerprint);
}
