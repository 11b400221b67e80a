using Pitr.Format;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Operations.Verify;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Archive.Verify;

/// <summary>Fetches one stored WAL file, authenticates it, and says what it holds or what is wrong with it. Safe for use from several threads.</summary>
/// <param name="service">The service.</param>
/// <param name="size">The cluster's segment size.</param>
/// <param name="systemIdentifiers">The clusters that the service has been.</param>
/// <param name="expired">Knows what was removed on purpose.</param>
/// <param name="findings">Told what is wrong.</param>
sealed class WalObjectVerifier(PostgresService service, WalSegmentSize size, IReadOnlySet<ulong> systemIdentifiers, ExpiredWal expired, Findings findings)
{
    const string BadCopy = "delete the object if another repository has a good copy (`pitr repo copy` brings it); else take a base backup now: it starts a whole history anew";

    // As many as are verified at once. The shared pool of arrays would give twice the length, and keep some for each thread.
    readonly SegmentMemoryPool _memory = new(long.MaxValue);

    /// <summary>Verifies one object.</summary>
    /// <param name="store">The repository.</param>
    /// <param name="name">The file it must be.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>What it holds; null when something is wrong with it, which is a finding then.</returns>
    /// <exception cref="StorageException">The repository did not give it.</exception>
    public async Task<VerifiedWal?> VerifyAsync(IObjectStore store, WalFileName name, CancellationToken cancellation)
    {
        var key = RepositoryLayout.Wal(service.Name, name);
        try
        {
            await using var stored = await store.OpenReadAsync(key, null, cancellation);
            var header = await SealedObjectReader.ReadHeaderAsync(stored, cancellation);
            header.RequireKind(SealedObjectKind.Wal);
            if (header.PlaintextLength > WalSegmentSize.MaximumBytes)
            {
                throw new DamagedObjectException($"its header gives {header.PlaintextLength} bytes of content, and no WAL file has so many");
            }

            var length = (int)header.PlaintextLength;
            using var reader = new SealedObjectReader(stored, header, await service.OpeningKeys.GetAsync(header.KeyId, cancellation), leaveOpen: true);
            // One byte more than announced, so that the reader comes to the end and authenticates the last chunk.
            using var buffer = new SegmentMemory(length + 1, _memory);
            var read = await reader.ReadAtLeastAsync(buffer.Memory, length + 1, throwOnEndOfStream: false, cancellation);
            return Examine(store, key, name, header, buffer.Memory.Span[..read]);
        }
        catch (ObjectNotFoundException)
        {
            // An expiry may run beside this.
            if (name.Segment is not { } segment || !await expired.ExplainsAsync(segment, cancellation))
            {
                findings.Add(FindingKind.Missing, store.Name, key, "was listed, and is not there", "look at who deletes objects in the repository");
            }
        }
        catch (Exception e) when (e is DamagedObjectException or EndOfStreamException or UnsupportedFormatException)
        {
            findings.Add(FindingKind.Damaged, store.Name, key, e.Message, BadCopy);
        }
        catch (Exception e) when (e is WalSegmentException or FormatException)
        {
            findings.Add(FindingKind.WrongContent, store.Name, key, e.Message, BadCopy);
        }
        catch (Exception e) when (e is KeyUnavailableException or DamagedRepositoryException)
        {
            findings.Add(FindingKind.NoKey, store.Name, key, e.Message, (e as OperationException)?.Hint);
        }

        return null;
    }

    VerifiedWal? Examine(IObjectStore store, string key, WalFileName name, SealedObjectHeader header, ReadOnlySpan<byte> content)
    {
        ArchiveGet.RequireAuthentic(name, header, content);
        if (name.Kind is not (WalFileKind.Segment or WalFileKind.Partial))
        {
            var text = System.Text.Encoding.UTF8.GetString(content);
            if (name.Kind == WalFileKind.BackupHistory)
            {
                BackupHistory.Parse(text);
            }

            return new VerifiedWal(header.Fingerprint, content.Length, null, name.Kind == WalFileKind.History ? TimelineHistory.Parse(name.Timeline, text) : null);
        }

        var wal = WalSegmentHeader.Parse(content);
        if (wal.SegmentSize != size)
        {
            throw new WalSegmentException($"WAL segment {name}: it is of a cluster with segments of {wal.SegmentSize}, this one's have {size}");
        }

        if (!systemIdentifiers.Contains(wal.SystemIdentifier))
        {
            findings.Add(
                FindingKind.Foreign,
                store.Name,
                key,
                $"is of the cluster with system identifier {wal.SystemIdentifier}, the service is {string.Join(", ", systemIdentifiers)}",
                "somebody put it there past pitr; delete it, and find out who can write to the repository");
            return null;
        }

        // An unfinished segment ends where its timeline did, with whatever lay behind it before.
        var edges = name.Kind == WalFileKind.Segment ? WalSegmentProof.Walk(content, wal) : null;
        if (edges?.Damage is { } damage)
        {
            findings.Add(
                FindingKind.BrokenChain,
                store.Name,
                key,
                $"at {damage.Position}: {damage.Reason}; it is stored as PostgreSQL gave it",
                "replay ends there: take a base backup now, and look at pg_wal's disk and memory of the server");
        }

        return new VerifiedWal(header.Fingerprint, content.Length, edges, null);
    }
}
