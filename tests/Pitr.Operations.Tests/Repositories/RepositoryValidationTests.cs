using Pitr.Operations.Repositories.Validation;
using Pitr.Storage;
using Pitr.Storage.File;
using Pitr.Storage.Testing;
using Serilog.Core;

namespace Pitr.Operations.Tests.Repositories;

public sealed class RepositoryValidationTests : IDisposable
{
    const long Large = 1 << 20;

    readonly string _root = Directory.CreateTempSubdirectory("pitr-validation-").FullName;
    readonly FaultyObjectStore _store;

    public RepositoryValidationTests() => _store = new FaultyObjectStore(new FileObjectStore("r1", _root));

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task A_store_that_keeps_its_word_passes_and_nothing_is_left()
    {
        var told = new List<string>();
        var report = await Validation(_store).RunAsync(null, new Told(result => told.Add(result.Promise)), default);
        Assert.True(report.Passed, Describe(report));
        Assert.Equal(report.Results.Select(result => result.Promise), told);
        Assert.All(report.Results, result => Assert.Equal(result.Promise == "durable" ? ValidationVerdict.Declared : ValidationVerdict.Kept, result.Verdict));
        Assert.True(report.Rates is { PutMedian: not null, GetSlow: not null, Upload: > 0, Download: > 0, PutsPerSecond: > 0, GetsPerSecond: > 0 });
        Assert.Empty(Directory.GetFileSystemEntries(_root));
    }

    [Theory]
    [InlineData("create overwrites", "create-new")]
    [InlineData("two may create", "atomic-create")]
    [InlineData("puts are lost", "read-after-write")]
    [InlineData("half objects are seen", "whole-objects")]
    [InlineData("replacing removes first", "atomic-replace")]
    [InlineData("listing in another order", "listing")]
    [InlineData("listing cut after a page", "listing")]
    [InlineData("listing shows names twice", "listing")]
    [InlineData("listing shows what is gone", "read-after-write")]
    [InlineData("absent is an error", "absence")]
    [InlineData("wrong size", "round-trip")]
    [InlineData("ranges are cut at the end", "ranges")]
    [InlineData("names lose spaces", "names")]
    [InlineData("empty objects are refused", "empty-object")]
    [InlineData("large objects lose their end", "large-object")]
    public async Task Each_lie_is_found_by_name(string lie, string promise)
    {
        var report = await Validation(new LyingObjectStore(_store, lie)).RunAsync(null, null, default);
        Assert.False(report.Passed);
        Assert.True(report.Results.Single(result => result.Promise == promise).Verdict == ValidationVerdict.Broken, Describe(report));
        Assert.Empty(Directory.GetFileSystemEntries(_root));
    }

    [Fact]
    public async Task What_cannot_be_removed_is_named()
    {
        var report = await Validation(new LyingObjectStore(_store, "nothing is removed")).RunAsync(null, null, default);
        Assert.False(report.Passed);
        Assert.Contains($"{report.Prefix}empty", report.LeftBehind);
        Assert.Contains($"{report.Prefix}large", report.LeftBehind);
    }

    [Fact]
    public async Task What_is_not_declared_is_not_promised_and_says_what_follows()
    {
        var store = new LyingObjectStore(_store, "two may create") { Capabilities = new StoreCapabilities(false, true, true, false, "cannot") };
        var report = await Validation(store).RunAsync(null, null, default);
        Assert.True(report.Passed, Describe(report));
        var race = report.Results.Single(result => result.Promise == "atomic-create");
        Assert.Equal(ValidationVerdict.NotPromised, race.Verdict);
        Assert.Contains("one host", race.Detail, StringComparison.Ordinal);
        Assert.Equal(ValidationVerdict.NotPromised, report.Results.Single(result => result.Promise == "durable").Verdict);
    }

    [Fact]
    public async Task A_repository_that_takes_nothing_is_an_error_and_no_verdict()
    {
        _store.Inject(StoreFault.FailBefore(StoreOperation.Put, new StorageException("r1", null, "access denied", isTransient: false)).Repeated(int.MaxValue));
        await Assert.ThrowsAsync<StorageException>(() => Validation(_store).RunAsync(null, null, default));
    }

    [Fact]
    public async Task A_refused_login_is_not_tried_again_for_every_key()
    {
        var removals = 0;
        var refused = new StorageException("r1", null, "530 login incorrect", isTransient: false);
        foreach (var operation in (StoreOperation[])[StoreOperation.Put, StoreOperation.List])
        {
            _store.Inject(StoreFault.FailBefore(operation, refused).Repeated(int.MaxValue));
        }

        _store.Inject(StoreFault.FailBefore(StoreOperation.Delete, refused).On(_ => Interlocked.Increment(ref removals) > 0).Repeated(int.MaxValue));
        await Assert.ThrowsAsync<StorageException>(() => Validation(_store).RunAsync(null, null, default));
        Assert.Equal(0, removals);
    }

    [Fact]
    public async Task A_name_that_the_server_refuses_is_not_left_behind()
    {
        foreach (var operation in (StoreOperation[])[StoreOperation.Put, StoreOperation.Delete])
        {
            _store.Inject(StoreFault.FailBefore(operation, new StorageException("r1", null, "553 prohibited file name", isTransient: false))
                .On(key => key.Contains('\\', StringComparison.Ordinal)).Repeated(int.MaxValue));
        }

        var report = await Validation(_store).RunAsync(null, null, default);
        Assert.Equal(["names"], report.Results.Where(result => result.Verdict == ValidationVerdict.Broken).Select(result => result.Promise));
        Assert.Empty(report.LeftBehind);
        Assert.Empty(Directory.GetFileSystemEntries(_root));
    }

    [Fact]
    public async Task A_failure_in_the_middle_is_a_verdict_and_the_rest_is_tried()
    {
        _store.Inject(StoreFault.FailBefore(StoreOperation.Put, new StorageException("r1", null, "access denied", isTransient: false))
            .On(key => key.Contains("/names/", StringComparison.Ordinal)).Repeated(int.MaxValue));
        var report = await Validation(_store).RunAsync(null, null, default);
        Assert.Equal(["names"], report.Results.Where(result => result.Verdict == ValidationVerdict.Broken).Select(result => result.Promise));
        Assert.Empty(Directory.GetFileSystemEntries(_root));
    }

    [Theory]
    [InlineData("cut/")]
    [InlineData("race/")]
    [InlineData("list/")]
    [InlineData("large")]
    public async Task An_interruption_leaves_nothing_behind(string where)
    {
        using var cancellation = new CancellationTokenSource();
        var held = _store.Inject(StoreFault.HoldAfter(StoreOperation.Put).On(key => key.Contains($"/{where}", StringComparison.Ordinal)).Repeated(int.MaxValue));
        var running = Validation(_store).RunAsync(null, null, cancellation.Token);
        await await Task.WhenAny(held.Reached, running);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Empty(Directory.GetFileSystemEntries(_root));
    }

    static RepositoryValidation Validation(IObjectStore store) => new(store, Large, TimeProvider.System, Logger.None);

    static string Describe(ValidationReport report) =>
        string.Join('\n', report.Results.Select(result => $"{result.Verdict} {result.Promise}: {result.Detail}").Append(string.Join(' ', report.LeftBehind)));

    sealed class Told(Action<ValidationResult> tell) : IProgress<ValidationResult>
    {
        public void Report(ValidationResult value) => tell(value);
    }
}
