using System.Buffers;
using Pitr.Format;
using Pitr.Format.Packs;
using Pitr.Format.Sealing;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Storage;

namespace Pitr.Operations.Verify;

/// <summary>
/// Reads packs of one repository, each once from beginning to end: its SHA-256 is that of the manifest, and every record that a backup uses opens and has the bytes that are
/// taken out of it. Needs memory for one record at a time. Safe for use from several threads.
/// </summary>
/// <param name="scope">The repository.</param>
/// <param name="references">What backups take out of them.</param>
/// <param name="isNamed">Whether an entry that is there now names a pack; asked when it vanished.</param>
sealed class PackVerifier(VerifyScope scope, PackReferences references, Func<string, CancellationToken, Task<bool>> isNamed)
{
    const int BlockSize = 256 << 10;

    /// <summary>Verifies one.</summary>
    /// <param name="pack">The pack.</param>
    /// <param name="hint">What to do when it is damaged.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>Whether it is right.</returns>
    /// <exception cref="StorageException">The repository did not give it.</exception>
    public async Task<bool> VerifyAsync(PackFacts pack, string hint, CancellationToken cancellation)
    {
        try
        {
            await using var stored = new HashedStream(await scope.Store.OpenReadAsync(pack.Key, null, cancellation), scope.CountBytes);
            var records = references.Of(pack.Index);
            var problem = await ReadRecordsAsync(stored, pack, records, cancellation);
            await SkipAsync(stored, long.MaxValue, cancellation);
            scope.CountPack();
            var digest = stored.Sha256();
            if (digest != pack.Sha256)
            {
                scope.Find(
                    problem.IsStranger ? FindingKind.WrongContent : FindingKind.Damaged,
                    pack.Key,
                    problem.IsStranger ? "is not the pack that the manifest means: its salt and its SHA-256 are another's" : $"its SHA-256 is {digest}, the manifest gives {pack.Sha256}",
                    hint);
                return false;
            }

            if (problem.Text is { } text)
            {
                scope.Find(problem.IsKey ? FindingKind.NoKey : FindingKind.WrongContent, pack.Key, text, problem.Hint ?? hint);
            }

            // Without a manifest that says what is in it, only its bytes were looked at.
            return problem.Text is null && records.Length > 0;
        }
        catch (ObjectNotFoundException)
        {
            if (await isNamed(pack.Key, cancellation))
            {
                scope.Find(FindingKind.Missing, pack.Key, $"was listed, and is not there; backup {pack.Backup} needs it", "look at who deletes objects in the repository");
            }

            return false;
        }
    }

    async Task<Problem> ReadRecordsAsync(HashedStream stored, PackFacts pack, SpooledRun[] runs, CancellationToken cancellation)
    {
        var head = new byte[SealedObjectHeader.Size];
        var length = await stored.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellation);
        try
        {
            var isStranger = PackReader.SaltOf(head.AsSpan(0, length)) is var salt && pack.Salt is not null && salt != pack.Salt;
            if (isStranger)
            {
                return new Problem("is not the pack that the manifest means: its salt is another", IsStranger: true);
            }

            var key = await scope.Service.OpeningKeys.GetAsync(SealedObjectHeader.Parse(head).KeyId, cancellation);
            using var reader = new PackReader(head, key);
            var records = new PackRecords(runs, pack.Size);
            for (var i = 0; i < records.Count; i++)
            {
                await ReadRecordAsync(stored, reader, records, i, cancellation);
            }

            return default;
        }
        catch (Exception e) when (e is DamagedObjectException or UnsupportedFormatException)
        {
            return new Problem(e.Message);
        }
        catch (Exception e) when (e is KeyUnavailableException or DamagedRepositoryException)
        {
            return new Problem(e.Message, IsKey: true, Hint: ((OperationException)e).Hint);
        }
    }

    static async Task ReadRecordAsync(HashedStream stored, PackReader reader, PackRecords records, int index, CancellationToken cancellation)
    {
        var run = records[index];
        if (run.PackOffset < stored.BytesRead)
        {
            throw new DamagedObjectException($"manifests place record {run.Record} at {run.PackOffset}, within the record before it");
        }

        await SkipAsync(stored, run.PackOffset - stored.BytesRead, cancellation);
        var buffer = ArrayPool<byte>.Shared.Rent(run.StoredLength);
        try
        {
            var read = await stored.ReadAtLeastAsync(buffer.AsMemory(0, run.StoredLength), run.StoredLength, throwOnEndOfStream: false, cancellation);
            using var content = reader.Decode(run.Record, buffer.AsSpan(0, read));
            if (run.Length > content.Span.Length)
            {
                throw new DamagedObjectException($"a manifest takes bytes up to {run.Length} of record {run.Record}, which has {content.Span.Length}");
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // What no backup uses any more is part of the SHA-256 all the same.
    static async Task SkipAsync(HashedStream stored, long bytes, CancellationToken cancellation)
    {
        var block = ArrayPool<byte>.Shared.Rent((int)Math.Min(bytes, BlockSize));
        try
        {
            int read;
            while (bytes > 0 && (read = await stored.ReadAsync(block.AsMemory(0, (int)Math.Min(bytes, block.Length)), cancellation)) > 0)
            {
                bytes -= read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    readonly record struct Problem(string? Text, bool IsStranger = false, bool IsKey = false, string? Hint = null);
}
