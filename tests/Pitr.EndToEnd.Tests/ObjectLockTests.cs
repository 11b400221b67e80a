using Amazon.S3;
using Amazon.S3.Model;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests;

/// <summary>Retention in a bucket with object lock, on a real S3 server: what expires is hidden, and can be had back for as long as the lock lasts.</summary>
public sealed class ObjectLockTests : IDisposable
{
    readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task What_expires_under_a_lock_is_hidden_and_can_be_had_back()
    {
        var (remote, client, bucket) = await RemoteRepository.StartLockedAsync(_directory);
        await using var repository = remote;
        using var s3 = client;
        await using var cluster = await ProtectedCluster.CreateAsync(remote, WalSegmentSize.From(1 << 20));
        await cluster.ExecuteAsync("CREATE TABLE t AS SELECT 42 AS answer");
        var old = (await BackUpAsync(cluster)).GetProperty("id").GetString()!;
        await cluster.ExecuteAsync("UPDATE t SET answer = 43");
        var newer = (await BackUpAsync(cluster)).GetProperty("id").GetString()!;
        // An expiry does not believe that it is later than the newest WAL in a repository.
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        await cluster.FillAsync(1);
        await Eventually.IsTrueAsync(() => cluster.Waiting().Count == 0, () => $"everything is archived; {cluster.Log()}");
        foreach (var (rule, value) in new[] { ("WINDOW", "0s"), ("DAILY", "0"), ("WEEKLY", "0"), ("MONTHLY", "0"), ("MINIMUM", "1") })
        {
            cluster.Host.Environment[$"PITR_SERVICES__MAIN__RETENTION__{rule}"] = value;
        }

        (await cluster.Host.RunAsync("expire", PitrHost.Service)).Must();

        Assert.Equal([newer], await BackupsAsync(cluster));
        var versions = await RemoteRepository.VersionsAsync(s3, bucket);
        var hidden = versions.Where(v => v.IsDeleteMarker == true && v.IsLatest == true && !v.Key.Contains("/locks/", StringComparison.Ordinal)).ToArray();
        Assert.Contains(hidden, v => v.Key.EndsWith($"backups/{old}/backup.json", StringComparison.Ordinal));
        Assert.Contains(hidden, v => v.Key.Contains($"packs/{old}/", StringComparison.Ordinal));
        foreach (var marker in hidden)
        {
            var kept = Assert.Single(versions, v => v.Key == marker.Key && v.IsDeleteMarker != true);
            var retention = await RetentionAsync(s3, bucket, kept);
            Assert.InRange(retention.RetainUntilDate!.Value.ToUniversalTime(), DateTime.UtcNow.AddHours(20), DateTime.UtcNow.AddHours(25));
            await Assert.ThrowsAsync<AmazonS3Exception>(() => s3.DeleteObjectAsync(bucket, kept.Key, kept.VersionId));
        }

        // As docs/storage-s3.md says: without the markers everything is there again.
        foreach (var marker in hidden)
        {
            await s3.DeleteObjectAsync(bucket, marker.Key, marker.VersionId);
        }

        Assert.Equal([old, newer], await BackupsAsync(cluster));
        await using var restored = await cluster.RestoreAsync("to", "--backup", old, "--target", "immediate");
        Assert.Equal(42, await restored.ScalarAsync<int>("SELECT answer FROM t"));
    }

    static async Task<System.Text.Json.JsonElement> BackUpAsync(ProtectedCluster cluster) =>
        (await cluster.Host.RunAsync("--output", "json", "backup", PitrHost.Service, "--full")).Must().Json;

    static async Task<IEnumerable<string>> BackupsAsync(ProtectedCluster cluster) =>
        (await cluster.Host.RunAsync("--output", "json", "info", PitrHost.Service)).Must().Json.GetProperty("services")[0].GetProperty("backups")
            .EnumerateArray().Select(b => b.GetProperty("id").GetString()!).ToArray();

    static async Task<ObjectLockRetention> RetentionAsync(AmazonS3Client s3, string bucket, S3ObjectVersion version)
    {
        try
        {
            return (await s3.GetObjectRetentionAsync(new GetObjectRetentionRequest { BucketName = bucket, Key = version.Key, VersionId = version.VersionId })).Retention;
        }
        catch (AmazonS3Exception e)
        {
            throw new InvalidOperationException($"{version.Key} has no retention: {e.StatusCode} {e.ErrorCode}", e);
        }
    }
}
