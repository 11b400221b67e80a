using Amazon.S3;
using Amazon.S3.Model;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>Dumps in a bucket with object lock, on a real S3 server: what expires is hidden as a whole, held for as long as the lock lasts, and can be had back.</summary>
[Collection(DumpedClusterCollection.Name)]
public sealed class DumpObjectLockTests(DumpedCluster cluster) : IDisposable
{
    readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_dump_that_expires_under_a_lock_is_hidden_as_a_whole_and_can_be_had_back()
    {
        var (remote, client, bucket) = await RemoteRepository.StartLockedAsync(_directory);
        await using var repository = remote;
        using var s3 = client;
        var host = await CreateAsync(remote);
        var (old, young) = (await BackupAsync(host), await BackupAsync(host));
        var objects = (await RemoteRepository.VersionsAsync(s3, bucket)).Where(v => v.Key.Contains($"/dumps/{old}/", StringComparison.Ordinal)).ToArray();
        Assert.True(objects.Length > 4, string.Join(", ", objects.Select(v => v.Key)));
        foreach (var locked in objects)
        {
            var retention = (await s3.GetObjectRetentionAsync(new GetObjectRetentionRequest { BucketName = bucket, Key = locked.Key, VersionId = locked.VersionId })).Retention;
            Assert.InRange(retention.RetainUntilDate!.Value.ToUniversalTime(), DateTime.UtcNow.AddHours(20), DateTime.UtcNow.AddHours(25));
            await Assert.ThrowsAsync<AmazonS3Exception>(() => s3.DeleteObjectAsync(bucket, locked.Key, locked.VersionId));
        }

        (await host.RunAsync("expire", "shop", "--backup", old)).Must().MustShow($"backup {old} is gone");

        Assert.Equal([young], await BackupsAsync(host));
        (await host.RunAsync("verify", "shop", "--all")).Must();
        (await host.RunAsync("expire", "shop")).Must();
        var versions = await RemoteRepository.VersionsAsync(s3, bucket);
        var markers = versions.Where(v => v.IsDeleteMarker == true && v.IsLatest == true && v.Key.Contains($"/dumps/{old}/", StringComparison.Ordinal)).ToArray();
        // All of it is hidden, and all of it is held.
        Assert.Equal(objects.Select(v => v.Key).Order(StringComparer.Ordinal), markers.Select(v => v.Key).Order(StringComparer.Ordinal));
        Assert.All(objects, locked => Assert.Contains(versions, v => v.Key == locked.Key && v.VersionId == locked.VersionId));
        Assert.DoesNotContain(versions, v => v.IsDeleteMarker == true && v.Key.Contains($"/dumps/{young}/", StringComparison.Ordinal));

        // As docs/storage-s3.md says: without the markers everything is there again.
        foreach (var marker in markers)
        {
            await s3.DeleteObjectAsync(bucket, marker.Key, marker.VersionId);
        }

        Assert.Equal([old, young], await BackupsAsync(host));
        (await host.RunAsync("restore", "shop", old, "--database", "orders", "--into", "locked")).Must();
        Assert.Equal(await cluster.ContentAsync("orders", "noise"), await cluster.ContentAsync("locked", "noise"));
        await cluster.ExecuteAsync("postgres", "DROP DATABASE locked");
    }

    async Task<PitrHost> CreateAsync(RemoteRepository remote)
    {
        var host = new PitrHost(_directory.New("host"), "");
        foreach (var (name, value) in remote.Environment)
        {
            host.Environment[name] = value;
        }

        var options = string.Concat(remote.Options.Select(option => option.Split('=', 2)).Select(pair => $"    {pair[0]}: \"{pair[1]}\"\n"));
        await File.WriteAllTextAsync(
            host.ConfigurationFile,
            $$"""
            state-directory: {{host.StateDirectory}}
            agent: { socket: {{host.Socket}} }
            repositories:
              bucket:
                url: {{remote.Url}}
            {{options}}
            encryption:
              recipients: [{{Path.Combine(host.Directory, "recipient.pem")}}]
              identity: {{host.IdentityFile}}
            services:
              shop:
                repositories: [bucket]
                backup: { part-size: 4MiB }
                {{cluster.Service.ReplaceLineEndings("\n    ")}}

            """);
        (await host.RunAsync("key", "new", "--identity", host.IdentityFile, "--recipient", Path.Combine(host.Directory, "recipient.pem"))).Must();
        (await host.RunAsync("repo", "init", "bucket")).Must();
        return host;
    }

    static async Task<string> BackupAsync(PitrHost host) => (await host.RunAsync("--output", "json", "backup", "shop")).Must().Json.GetProperty("id").GetString()!;

    static async Task<IEnumerable<string>> BackupsAsync(PitrHost host) =>
        (await host.RunAsync("--output", "json", "info", "shop")).Must().Json.GetProperty("services")[0].GetProperty("backups").EnumerateArray().Select(b => b.GetProperty("id").GetString()!).ToArray();
}
