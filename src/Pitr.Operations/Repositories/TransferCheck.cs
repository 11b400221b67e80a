using System.Security.Cryptography;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>Checks one object before it lands: its digest, that its data key is there, that it is authentic. Remembers what could not be checked.</summary>
/// <param name="opener">Opens what is sealed.</param>
/// <param name="digest">What the catalog says of the object; null when it says nothing.</param>
/// <param name="requireDataKey">Makes sure that the destination has the data key of a sealed object.</param>
sealed class TransferCheck(ObjectOpener opener, StoredObject? digest, ObjectVerifier requireDataKey)
{
    /// <summary>Why the object could not be authenticated; null when it was, or when nothing authenticates objects of its kind.</summary>
    public string? NotAuthenticated { get; private set; }

    /// <inheritdoc cref="ObjectVerifier"/>
    public async Task VerifyAsync(string key, ObjectContent content, CancellationToken cancellation)
    {
        if (digest is not null)
        {
            await RequireDigestAsync(digest, content, cancellation);
        }

        await requireDataKey(key, content, cancellation);
        NotAuthenticated = await AuthenticateAsync(key, content, cancellation);
    }

    async Task<string?> AuthenticateAsync(string key, ObjectContent content, CancellationToken cancellation)
    {
        var kind = RepositoryKey.Parse(key).Kind;
        if (kind is not (RepositoryKeyKind.Wal or RepositoryKeyKind.WalPiece or RepositoryKeyKind.Manifest or RepositoryKeyKind.Dump or RepositoryKeyKind.DumpManifest or RepositoryKeyKind.Pack or RepositoryKeyKind.DataKey))
        {
            return null;
        }

        if (!opener.HasIdentity)
        {
            return "there is no identity here";
        }

        if (kind == RepositoryKeyKind.Pack)
        {
            return digest is null ? "packs that belong to no finished backup have no digest to be held against" : null;
        }

        try
        {
            await opener.VerifyAsync(key, content, cancellation);
            return null;
        }
        catch (KeyUnavailableException e)
        {
            return e.Message;
        }
    }

    static async Task RequireDigestAsync(StoredObject expected, ObjectContent content, CancellationToken cancellation)
    {
        if (content.Length != expected.Size)
        {
            throw new DamagedObjectException($"it has {content.Length} bytes, the catalog says {expected.Size}");
        }

        await using var stream = content.OpenRead();
        if (Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellation)) != expected.Sha256)
        {
            throw new DamagedObjectException("its SHA-256 is not the one the catalog gives");
        }
    }
}
