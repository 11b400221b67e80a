using System.Buffers;
using System.Security.Cryptography;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Operations.Dumps;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Verify;

/// <summary>
/// Reads what dumps consist of, in one repository: the manifest must say what the entry says, the digests must be those of both, and every part must open and have the SHA-256 that
/// they give; the parts of a stream together must be that stream. Safe for use from several threads.
/// </summary>
/// <param name="scope">The repository.</param>
/// <param name="hint">What to do when something is damaged.</param>
sealed class DumpContentVerifier(VerifyScope scope, string hint)
{
    const int BlockSize = 256 << 10;

    /// <summary>Verifies manifest and digests of a dump.</summary>
    /// <returns>Whether they are right.</returns>
    /// <exception cref="ObjectNotFoundException">One vanished.</exception>
    /// <exception cref="StorageException">The repository did not give one.</exception>
    public async Task<bool> ReadManifestAsync(DumpDocument entry, CancellationToken cancellation)
    {
        var problem = await ReadAsync(entry.Manifest, async stored =>
        {
            var header = await SealedObjectReader.ReadHeaderAsync(stored, cancellation);
            header.RequireKind(SealedObjectKind.Manifest);
            RequireNamed(header, entry);
            using var opened = new SealedObjectReader(stored, header, await scope.Service.OpeningKeys.GetAsync(header.KeyId, cancellation), leaveOpen: true);
            using var json = new MemoryStream();
            await opened.CopyToAsync(json, cancellation);
            Compare(entry, DumpManifest.Parse(json.GetBuffer().AsSpan(0, (int)json.Length)));
        }, cancellation);
        scope.CountManifest();
        var sums = await ReadAsync(entry.Sums, async stored =>
        {
            using var text = new MemoryStream();
            await stored.CopyToAsync(text, cancellation);
            if (!text.GetBuffer().AsSpan(0, (int)text.Length).SequenceEqual(DumpSums.Of(entry.Streams, [.. entry.Parts, entry.Manifest])))
            {
                throw new DamagedObjectException("does not have the digests of the dump's entry");
            }
        }, cancellation);
        Report(entry.Manifest.Key, problem);
        Report(entry.Sums.Key, sums);
        return problem.Text is null && sums.Text is null;
    }

    /// <summary>Verifies the parts of a stream that are due; when all of them are, also the stream.</summary>
    /// <param name="dump">The dump.</param>
    /// <param name="stream">One of its streams.</param>
    /// <param name="mark">Remembered when the stream is right as a whole.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="ObjectNotFoundException">A part vanished.</exception>
    /// <exception cref="StorageException">The repository did not give one.</exception>
    public async Task ReadStreamAsync(CatalogedDump dump, DumpStreamRecord stream, ulong mark, CancellationToken cancellation)
    {
        var parts = dump.Parts.Skip(stream.FirstPart).Take(stream.PartCount).ToArray();
        var (isAll, right, length) = (parts.All(part => part.IsDue), new List<ulong>(), 0L);
        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in parts.Where(part => part.IsDue))
        {
            var problem = await ReadAsync(new StoredObject(part.Key, part.Size, part.Sha256), async stored => length += await OpenAsync(dump.Document, stored, sha256, cancellation), cancellation);
            scope.CountPack();
            Report(part.Key, problem);
            if (problem.Text is null)
            {
                right.Add(part.Mark!.Value);
            }
        }

        if (isAll && right.Count == parts.Length)
        {
            var digest = Convert.ToHexStringLower(sha256.GetHashAndReset());
            if (length != stream.Bytes || digest != stream.Sha256)
            {
                scope.Find(
                    FindingKind.WrongContent,
                    RepositoryLayout.Dump(scope.Name, BackupId.Parse(dump.Document.Id)),
                    $"says that stream {stream.Name} has {stream.Bytes} bytes and the SHA-256 {stream.Sha256}; its parts make up {length} bytes with {digest}", hint);
                return;
            }

            right.Add(mark);
        }

        right.ForEach(scope.Remember);
    }

    async Task<long> OpenAsync(DumpDocument entry, Stream stored, IncrementalHash sha256, CancellationToken cancellation)
    {
        var header = await SealedObjectReader.ReadHeaderAsync(stored, cancellation);
        header.RequireKind(SealedObjectKind.Stream);
        RequireNamed(header, entry);
        using var opened = new SealedObjectReader(stored, header, await scope.Service.OpeningKeys.GetAsync(header.KeyId, cancellation), leaveOpen: true);
        var block = ArrayPool<byte>.Shared.Rent(BlockSize);
        var total = 0L;
        try
        {
            while (await opened.ReadAsync(block, cancellation) is > 0 and var read)
            {
                sha256.AppendData(block, 0, read);
                total += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }

        return total;
    }

    // The digest counts more than why it could not be opened.
    async Task<Problem> ReadAsync(StoredObject item, Func<Stream, Task> read, CancellationToken cancellation)
    {
        await using var stored = new HashedStream(await scope.Store.OpenReadAsync(item.Key, null, cancellation), scope.CountBytes);
        var problem = default(Problem);
        try
        {
            await read(stored);
        }
        catch (Exception e) when (e is DamagedObjectException or UnsupportedFormatException)
        {
            problem = new Problem(FindingKind.WrongContent, e.Message, null);
        }
        catch (Exception e) when (e is KeyUnavailableException or DamagedRepositoryException)
        {
            problem = new Problem(FindingKind.NoKey, e.Message, ((OperationException)e).Hint);
        }

        await stored.CopyToAsync(Stream.Null, cancellation);
        return stored.Sha256() is var digest && (digest != item.Sha256 || stored.BytesRead != item.Size)
            ? new Problem(FindingKind.Damaged, $"its SHA-256 is {digest}, the dump's entry gives {item.Sha256}", null)
            : problem;
    }

    void Report(string key, Problem problem)
    {
        if (problem.Text is { } text)
        {
            scope.Find(problem.Kind, key, text, problem.Hint ?? hint);
        }
    }

    static void RequireNamed(SealedObjectHeader header, DumpDocument entry)
    {
        if (!entry.DataKeys.Contains(header.KeyId.ToString()))
        {
            throw new DamagedObjectException($"is sealed with data key {header.KeyId}, which the dump's entry does not name");
        }
    }

    // The sealed word counts more than the clear one.
    static void Compare(DumpDocument entry, DumpManifest manifest)
    {
        var difference = manifest.Id != entry.Id || manifest.Service != entry.Service || manifest.Kind != entry.Kind ? $"it is that of dump {manifest.Id} of service {manifest.Service}, kind {manifest.Kind}"
            : (manifest.Product, manifest.ServerVersion) != (entry.Product, entry.ServerVersion) ? $"it is of {manifest.Product} {manifest.ServerVersion}, the entry says {entry.Product} {entry.ServerVersion}"
            : IsOther(manifest, manifest with { Parts = entry.Parts }) ? "it has other parts than the entry"
            : IsOther(manifest, manifest with { Streams = entry.Streams }) ? "it has other streams than the entry" : null;
        if (difference is not null)
        {
            throw new DamagedObjectException(difference);
        }
    }

    // As they are written: every member counts, also one that is added some day.
    static bool IsOther(DumpManifest one, DumpManifest other) => !one.ToJson().AsSpan().SequenceEqual(other.ToJson());

    readonly record struct Problem(FindingKind Kind, string? Text, string? Hint);
}
