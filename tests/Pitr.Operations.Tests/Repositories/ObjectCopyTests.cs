using Pitr.Format;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Storage;
using Pitr.Storage.Testing;
using Xunit;

namespace Pitr.Operations.Tests.Repositories;

public class ObjectCopyTests
{
    const string Segment = "000000010000000000000007";

    [Theory]
    [InlineData(ObjectCopy.DefaultMemoryLimit)]
    [InlineData(1000)]
    public async Task What_is_copied_is_the_same_bytes_and_copying_again_changes_nothing(int memoryLimit)
    {
        await using var scenario = await StartAsync();
        var key = scenario.KeyOf(Segment);
        var copy = new ObjectCopy(scenario["spool"], memoryLimit);
        var first = await copy.CopyAsync(scenario.Stores[0], scenario.Stores[1], key);
        Assert.Equal(ObjectCopyOutcome.Copied, first.Outcome);
        Assert.Equal(new FileInfo(scenario.PathOf(key)).Length, first.Bytes);
        Assert.Equal(File.ReadAllBytes(scenario.PathOf(key)), File.ReadAllBytes(scenario.PathOf(key, 2)));
        Assert.Equal(ObjectCopyOutcome.AlreadyThere, (await copy.CopyAsync(scenario.Stores[0], scenario.Stores[1], key)).Outcome);
        Assert.Equal(ObjectCopyOutcome.AlreadyThere, (await copy.CopyAsync(scenario.Stores[0], scenario.Stores[1], key, mode: PutMode.Replace)).Outcome);
        Assert.Empty(Directory.Exists(scenario["spool"]) ? Directory.GetFileSystemEntries(scenario["spool"]) : []);
    }

    [Fact]
    public async Task Other_bytes_are_a_conflict_and_stay_unless_they_shall_be_replaced()
    {
        await using var scenario = await StartAsync();
        var key = scenario.KeyOf(Segment);
        await scenario.Stores[1].PutAsync(key, new byte[100], PutMode.CreateNew, default);
        var copy = new ObjectCopy(scenario["spool"]);
        Assert.Equal(ObjectCopyOutcome.Conflict, (await copy.CopyAsync(scenario.Stores[0], scenario.Stores[1], key)).Outcome);
        Assert.Equal(new byte[100], File.ReadAllBytes(scenario.PathOf(key, 2)));
        Assert.Equal(ObjectCopyOutcome.Copied, (await copy.CopyAsync(scenario.Stores[0], scenario.Stores[1], key, mode: PutMode.Replace)).Outcome);
        Assert.Equal(File.ReadAllBytes(scenario.PathOf(key)), File.ReadAllBytes(scenario.PathOf(key, 2)));
    }

    [Fact]
    public async Task What_the_source_does_not_have_is_not_found()
    {
        await using var scenario = await StartAsync();
        await Assert.ThrowsAsync<ObjectNotFoundException>(
            () => new ObjectCopy(scenario["spool"]).CopyAsync(scenario.Stores[0], scenario.Stores[1], scenario.KeyOf("000000010000000000000008")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(12)]
    public async Task A_broken_header_is_found_without_keys_and_nothing_is_put(int damagedByte)
    {
        await using var scenario = await StartAsync();
        var key = scenario.KeyOf(Segment);
        scenario.Damage(key, atByte: damagedByte);
        await RefusedAsync<DamagedRepositoryException>(scenario, key);
    }

    [Theory]
    [InlineData(40)]
    [InlineData(104)]
    [InlineData(115)]
    public async Task A_cut_object_is_found_without_keys_where_its_length_is_impossible(int length)
    {
        await using var scenario = await StartAsync();
        var key = scenario.KeyOf(Segment);
        var bytes = File.ReadAllBytes(scenario.PathOf(key))[..length];
        await scenario.Store.PutAsync(key, bytes, PutMode.Replace, default);
        await RefusedAsync<DamagedRepositoryException>(scenario, key);
    }

    [Fact]
    public async Task The_verifier_has_the_last_word()
    {
        await using var scenario = await StartAsync();
        var key = scenario.KeyOf(Segment);
        var e = await RefusedAsync<DamagedRepositoryException>(
            scenario, key, (k, content, _) => throw new DamagedObjectException($"{k == key} {content.Length > 1000}"));
        Assert.Contains("r1", e.Message, StringComparison.Ordinal);
        Assert.Contains(key, e.Message, StringComparison.Ordinal);
        Assert.Contains("True True", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ObjectCopy.DefaultMemoryLimit)]
    [InlineData(1000)]
    public async Task A_read_that_ends_early_puts_nothing(int memoryLimit)
    {
        await using var scenario = await StartAsync();
        scenario.Store.Inject(StoreFault.TruncateRead(5000).Repeated(int.MaxValue));
        await RefusedAsync<StorageException>(scenario, scenario.KeyOf(Segment), memoryLimit: memoryLimit);
    }

    [Fact]
    public async Task An_object_that_is_longer_than_expected_is_not_taken_for_whole()
    {
        await using var scenario = await StartAsync();
        var key = scenario.KeyOf(Segment);
        await Assert.ThrowsAsync<StorageException>(
            () => new ObjectCopy(scenario["spool"]).CopyAsync(scenario.Stores[0], scenario.Stores[1], key, size: new FileInfo(scenario.PathOf(key)).Length - 1));
        Assert.False(File.Exists(scenario.PathOf(key, 2)));
    }

    [Fact]
    public async Task A_document_under_the_key_of_another_is_refused()
    {
        await using var scenario = await StartAsync();
        var keys = await scenario.KeysAsync(prefix: "keys/");
        var other = $"keys/{new string('a', 32)}.json";
        await scenario.Store.PutAsync(other, File.ReadAllBytes(scenario.PathOf(keys[0])), PutMode.CreateNew, default);
        await RefusedAsync<DamagedRepositoryException>(scenario, other);
        Assert.Equal(
            ObjectCopyOutcome.Copied, (await new ObjectCopy(scenario["spool"]).CopyAsync(scenario.Stores[0], scenario.Stores[1], keys[0])).Outcome);
    }

    // The second repository lacks what the first holds.
    static async Task<Scenario> StartAsync()
    {
        var scenario = await Scenario.StartAsync(repositories: 2);
        await scenario.PushSegmentAsync(Segment);
        foreach (var key in await scenario.KeysAsync(2))
        {
            await scenario.Stores[1].DeleteAsync(key, default);
        }

        return scenario;
    }

    static async Task<TException> RefusedAsync<TException>(
        Scenario scenario, string key, ObjectVerifier? verify = null, int memoryLimit = ObjectCopy.DefaultMemoryLimit)
        where TException : Exception
    {
        var e = await Assert.ThrowsAsync<TException>(
            () => new ObjectCopy(scenario["spool"], memoryLimit).CopyAsync(scenario.Stores[0], scenario.Stores[1], key, verify));
        Assert.False(File.Exists(scenario.PathOf(key, 2)));
        Assert.Empty(await scenario.KeysAsync(2));
        return e;
    }
}
