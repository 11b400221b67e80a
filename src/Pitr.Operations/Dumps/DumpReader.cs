using System.Security.Cryptography;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Dumps;

/// <summary>Reads dumps back. Believes only what is sealed; a damaged copy in one repository is passed over for a good one in another.</summary>
/// <param name="service">The service.</param>
public sealed class DumpReader(DumpService service)
{
    const int BlockSize = 256 << 10;
    const string Elsewhere = "another repository may hold it whole (--repository), or an older backup: `pitr info` lists them";

    /// <summary>Reads the manifest of a dump.</summary>
    /// <exception cref="DamagedRepositoryException">Every copy is damaged, or is of another dump, or there is none.</exception>
    /// <exception cref="KeyUnavailableException">No key opens it.</exception>
    public async Task<DumpManifest> ReadManifestAsync(DumpDocument entry, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(entry);
        var key = RepositoryLayout.DumpManifest(service.Name, BackupId.Parse(entry.Id));
        return Answer(await service.Repositories.AskFirstAsync((store, token) => Checked(store, key, () => ReadManifestAsync(store, key, entry.Id, token)), cancellation), key);
    }

    /// <summary>Writes the plaintext of a stream. Each part is fetched whole and held against the manifest before a byte of it is handed on.</summary>
    /// <param name="manifest">The dump.</param>
    /// <param name="stream">One of its streams.</param>
    /// <param name="destination">Takes the bytes.</param>
    /// <param name="progress">Told how many bytes of the stream it has been given.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="DamagedRepositoryException">A part is damaged in every repository, or missing.</exception>
    /// <exception cref="IOException">The destination has gone.</exception>
    public async Task CopyAsync(DumpManifest manifest, DumpStreamRecord stream, Stream destination, Action<long> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(destination);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var id = BackupId.Parse(manifest.Id);
        var (end, total) = (stream.FirstPart + stream.PartCount, 0L);
        var next = FetchAsync(manifest, id, stream.FirstPart, stop.Token);
        try
        {
            for (var number = stream.FirstPart; number < end; number++)
            {
                var part = await next;
                // One is fetched while another is written.
                next = number + 1 < end ? FetchAsync(manifest, id, number + 1, stop.Token) : next;
                total += await CopyPartAsync(part, destination, written => progress(total + written), cancellation);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (total != stream.Bytes)
        {
            throw new DamagedRepositoryException($"stream {stream.Name} of backup {manifest.Id} has {total} bytes, its manifest says {stream.Bytes}", "take another backup: pitr info lists them");
        }
    }

    async Task<long> CopyPartAsync(byte[] part, Stream destination, Action<long> progress, CancellationToken cancellation)
    {
        using var stored = new MemoryStream(part, writable: false);
        var header = await SealedObjectReader.ReadHeaderAsync(stored, cancellation);
        using var reader = new SealedObjectReader(stored, header, await service.OpeningKeys.GetAsync(header.KeyId, cancellation));
        var block = new byte[BlockSize];
        var total = 0L;
        while (await reader.ReadAsync(block, cancellation) is > 0 and var read)
        {
            await destination.WriteAsync(block.AsMemory(0, read), cancellation);
            progress(total += read);
        }

        return total;
    }

    async Task<byte[]> FetchAsync(DumpManifest manifest, BackupId id, int number, CancellationToken cancellation)
    {
        var expected = manifest.Parts[number];
        // Where it lies is known from its number, not from what somebody wrote down.
        var key = RepositoryLayout.DumpPart(service.Name, id, number);
        return Answer(await service.Repositories.AskFirstAsync((store, token) => Checked(store, key, () => FetchAsync(store, key, expected, token)), expected.Size, cancellation), key);
    }

    static async Task<byte[]> FetchAsync(IObjectStore store, string key, StoredObject expected, CancellationToken cancellation)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(checked((int)expected.Size));
        await using var source = await store.OpenReadAsync(key, range: null, cancellation);
        var length = await source.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellation);
        var isLonger = length == bytes.Length && await source.ReadAsync(new byte[1], cancellation) > 0;
        if (length != bytes.Length || isLonger || Convert.ToHexStringLower(SHA256.HashData(bytes)) != expected.Sha256)
        {
            throw new DamagedObjectException("it is not what the manifest of its dump says");
        }

        return bytes;
    }

    async Task<DumpManifest> ReadManifestAsync(IObjectStore store, string key, string id, CancellationToken cancellation)
    {
        var stored = await store.ReadAllAsync(key, cancellation);
        var header = SealedObjectHeader.Parse(stored);
        header.RequireKind(SealedObjectKind.Manifest);
        var dataKey = await service.OpeningKeys.GetAsync(header.KeyId, cancellation);
        var manifest = DumpManifest.Parse(SealedObject.Open(stored, dataKey));
        return manifest.Id == id && manifest.Service == service.Name.Value && manifest.Kind == service.Kind
            ? manifest
            : throw new DamagedObjectException($"it is the manifest of dump {manifest.Id} of service {manifest.Service}, kind {manifest.Kind}");
    }

    static async Task<T> Checked<T>(IObjectStore store, string key, Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (DamagedObjectException e)
        {
            throw new DamagedRepositoryException($"repository {store.Name}: {key} is damaged: {e.Message}", Elsewhere, e);
        }
    }

    static T Answer<T>(Asked<T> asked, string key) => asked switch
    {
        { IsAnswered: true } => asked.Answer,
        { IsProvenAbsent: true } => throw new DamagedRepositoryException($"no repository has {key}, and its backup is not whole without it", Elsewhere, asked.Failure),
        _ => throw asked.Failure,
    };
}
