using Amazon.S3;
using Amazon.S3.Model;

namespace Pitr.Storage.Tests.S3;

/// <summary>
/// A large repository on an S3 server. Filling the test server with a hundred thousand keys takes minutes, so there are as many pages as those would
/// have, of fewer keys; <c>PITR_TEST_S3_KEYS=100000</c> makes it all of them, in pages of a thousand.
/// </summary>
[Collection(S3Tests.Name)]
public sealed class S3ListingTests(S3Server server)
{
    const int Connections = 32;
    const int Pages = 100;

    static readonly int Count = int.Parse(Environment.GetEnvironmentVariable("PITR_TEST_S3_KEYS") ?? "10000");

    // Ceph decides about creation only for single puts, which are streamed; what is replaced goes in parts.
    [Theory]
    [InlineData(PutMode.CreateNew)]
    [InlineData(PutMode.Replace)]
    public async Task Memory_does_not_grow_with_the_object(PutMode mode)
    {
        await using var place = await S3Place.OfBucketAsync(server);
        await LargeObject.RequireLittleMemoryAsync(place.ChildStore, mode);
    }

    [Fact]
    public async Task A_hundred_pages_are_listed_in_order_in_little_memory()
    {
        await using var place = await S3Place.OfBucketAsync(server);
        // Anybody may write into it, so that what fills it needs no signatures, which would take longer than the puts.
        await place.Client.PutBucketAclAsync(new PutBucketAclRequest { BucketName = place.Bucket, ACL = S3CannedACL.PublicReadWrite });
        using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = Connections });
        var bucket = new Uri(server.Endpoint, place.Bucket + "/");
        await Parallel.ForEachAsync(LargeListing.Keys(Count), new ParallelOptions { MaxDegreeOfParallelism = Connections }, async (key, token) =>
        {
            using var content = new ByteArrayContent([]);
            using var answer = await client.PutAsync(new Uri(bucket, key), content, token);
            answer.EnsureSuccessStatusCode();
        });
        await LargeListing.RequireAsync($"{place.ChildStore}?{Count / Pages}", maxHeap: 24 * 1024, Count);
    }
}
