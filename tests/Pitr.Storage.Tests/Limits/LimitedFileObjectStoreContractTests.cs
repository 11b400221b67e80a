using Pitr.Storage.Limits;
using Pitr.Storage.Tests.File;

namespace Pitr.Storage.Tests.Limits;

/// <summary>A store whose bandwidth is limited keeps the contract.</summary>
public sealed class BandwidthLimitedObjectStoreContractTests : FileObjectStoreContractTests
{
    const long Rate = 400_000_000;

    protected override async Task<IObjectStore> OpenAgainAsync() => new BandwidthLimitedObjectStore(
        await base.OpenAgainAsync(), new BandwidthLimit(Rate, TimeProvider.System), new BandwidthLimit(Rate, TimeProvider.System));
}

/// <summary>So does one whose concurrency is: two, because the contract's racers wait for each other on two stores of two.</summary>
public sealed class ConcurrencyLimitedObjectStoreContractTests : FileObjectStoreContractTests
{
    protected override async Task<IObjectStore> OpenAgainAsync() => new ConcurrencyLimitedObjectStore(await base.OpenAgainAsync(), operations: 2);
}
