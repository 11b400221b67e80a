using Pitr.Storage.S3;

namespace Pitr.Storage.Tests.S3;

/// <summary>The S3 driver keeps the contract, on a real server.</summary>
[Collection(S3Tests.Name)]
public class S3ObjectStoreContractTests(S3Server server) : ObjectStoreContract
{
    S3Place _place = null!;

    protected override string ChildStore => _place.ChildStore;

    protected S3Options Options => _place.Options;

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        var unfinished = await _place.UnfinishedUploadsAsync();
        await _place.DisposeAsync();
        Assert.InRange(unfinished, 0, KilledAProcess ? 1 : 0);
    }

    protected override async Task<IObjectStore> OpenEmptyAsync()
    {
        _place = await S3Place.OfBucketAsync(server);
        return await OpenAgainAsync();
    }

    protected override Task<IObjectStore> OpenAgainAsync() =>
        Task.FromResult<IObjectStore>(new S3ObjectStore("test", Options, TimeProvider.System));
}

/// <summary>So does it with uploads in parts, and with the larger ones streamed.</summary>
public sealed class S3ObjectStoreInPartsContractTests(S3Server server) : S3ObjectStoreContractTests(server)
{
    protected override Task<IObjectStore> OpenAgainAsync() => Task.FromResult<IObjectStore>(new S3ObjectStore(
        "test",
        Options with { MultipartThreshold = S3Options.MinPartSize, PartSize = S3Options.MinPartSize },
        TimeProvider.System,
        S3Limits.Default with { MaxSinglePut = S3Options.MinPartSize, Buffers = 2 * S3Options.MinPartSize }));
}
