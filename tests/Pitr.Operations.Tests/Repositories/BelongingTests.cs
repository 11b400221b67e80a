using System.Text;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories.Belonging;
using Pitr.Operations.Tests.Verify;
using Pitr.Operations.Verify;
using Pitr.Storage;
using Pitr.Storage.File;
using Pitr.Storage.Testing;
using Xunit;

namespace Pitr.Operations.Tests.Repositories;

/// <summary>What does not belong into a repository is found, each kind of it; what belongs there is left in peace; what was not seen is not called clean.</summary>
public sealed class BelongingTests : IAsyncLifetime
{
    const string Header = "PITRSEAL";

    VerifyWorld? _world;

    VerifyWorld World => _world!;

    IObjectStore Store => World.Scenario.Store;

    string Segment => World.Segment(0);

    public async Task InitializeAsync() => _world = await VerifyWorld.StartAsync();

    public async Task DisposeAsync() => await World.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_repository_with_one_of_everything_is_clean(bool isDirectory)
    {
        var report = await LookAsync(isDirectory);
        Assert.True(report.Passed, Text(report));
        Assert.Equal((await World.Scenario.KeysAsync()).Count, report.Objects);
        Assert.Equal(report.Objects, report.HeadsRead);
        Assert.Equal(0, (await LookAsync(isDirectory, new BelongingOptions { NamesOnly = true })).HeadsRead);
    }

    [Fact]
    public async Task The_golden_repository_is_clean()
    {
        var root = World.Scenario["golden"];
        var golden = Path.Combine(AppContext.BaseDirectory, "GoldenRepository");
        var store = new FileObjectStore("golden", root);
        foreach (var file in Directory.GetFiles(golden, "*", SearchOption.AllDirectories))
        {
            await store.PutAsync(Path.GetRelativePath(golden, file), ObjectContent.FromFile(file), PutMode.CreateNew, default);
        }

        var report = await new BelongingRun(store, new FileTree("golden", root, TimeProvider.System), TimeProvider.System).RunAsync(new BelongingOptions(), null, default);
        Assert.True(report.Passed, Text(report));
        Assert.Equal(10, report.HeadsRead);
    }

    [Fact]
    public async Task A_name_that_pitr_does_not_give_is_found_and_may_be_allowed()
    {
        string[] names =
        [
            "notes/a",
            "services/main/else",
            "services/Main/service.json",
            "services/main/packs/20261121T031500Z/7",
            "services/main/packs/20261121T031500Z/000007.old",
            "services/main/backups/20261121T031500Z/manifest~",
            "services/main/locks/a/b.json",
            "services/main/drills/latest.json",
            "services/main/audit/20261121T031500.123Z-9f3c.json",
            "audit/readme.json",
            "keys/0001.json",
        ];
        foreach (var key in names)
        {
            await PlantAsync(key, "{}");
            await RequireAsync(FindingKind.UnexpectedName, key);
            var allowed = await LookAsync(true, new BelongingOptions { Allowed = [key[..^1]] });
            Assert.Equal((1, true), (allowed.Allowed, allowed.Passed));
            await Store.DeleteAsync(key, default);
        }
    }

    [Theory]
    [InlineData("", FindingKind.Damaged)]
    [InlineData("SELECT 1", FindingKind.NotSealed)]
    [InlineData("PITR", FindingKind.NotSealed)]
    [InlineData(Header + "\u0001\u0001\u0001\u0010", FindingKind.Damaged)]
    public async Task An_object_that_does_not_begin_as_a_sealed_one_is_found(string content, FindingKind kind)
    {
        foreach (var key in new[] { Segment, World.SharedPack, World.Backups[0].Manifest.Key })
        {
            var before = await Store.ReadAllAsync(key, default);
            await PlantAsync(key, content);
            await RequireAsync(kind, key);
            await PlantAsync(key, before);
        }
    }

    [Fact]
    public async Task A_sealed_object_of_another_kind_of_a_newer_format_or_cut_short_is_found()
    {
        var segment = await Store.ReadAllAsync(Segment, default);
        await PlantAsync(World.SharedPack, segment);
        await RequireAsync(FindingKind.WrongContent, World.SharedPack);
        await PlantAsync(World.SharedPack, With(await Store.ReadAllAsync(World.Backups[0].Packs[^1].Key, default), 8, 2));
        await RequireAsync(FindingKind.NewerFormat, World.SharedPack);
        await PlantAsync(World.SharedPack, segment[..110]);
        await RequireAsync(FindingKind.WrongContent, World.SharedPack);

        await World.DisposeAsync();
        _world = await VerifyWorld.StartAsync(isWide: false);
        await PlantAsync(Segment, segment[..110]);
        await RequireAsync(FindingKind.Damaged, Segment);
    }

    [Theory]
    [InlineData("", FindingKind.Damaged)]
    [InlineData("hello", FindingKind.WrongContent)]
    [InlineData("[1]", FindingKind.WrongContent)]
    [InlineData("{ \"format\": 1, ", FindingKind.WrongContent)]
    [InlineData("{ \"id\": 1 }", FindingKind.Damaged)]
    [InlineData("{ \"format\": 2 }", FindingKind.NewerFormat)]
    [InlineData(Header + "…", FindingKind.WrongContent)]
    public async Task A_document_that_does_not_begin_as_one_is_found(string content, FindingKind kind)
    {
        foreach (var key in (await World.Scenario.KeysAsync()).Where(key => RepositoryKey.Parse(key).Kind is RepositoryKeyKind.Service or RepositoryKeyKind.Backup or RepositoryKeyKind.Audit))
        {
            var before = await Store.ReadAllAsync(key, default);
            await PlantAsync(key, content);
            await RequireAsync(kind, key);
            await PlantAsync(key, before);
        }
    }

    [Fact]
    public async Task A_long_document_is_judged_by_its_beginning()
    {
        var key = World.Backups[0].Manifest.Key.Replace("manifest", "backup.json", StringComparison.Ordinal);
        var entry = Encoding.UTF8.GetString(await Store.ReadAllAsync(key, default));
        await PlantAsync(key, entry.Replace("\"format\": 1,", $"\"format\": 1, \"more\": \"{new string('x', 100_000)}\",", StringComparison.Ordinal));
        Assert.Empty((await LookAsync(false)).Findings);
        await PlantAsync(key, $"{{ \"format\": 9, \"more\": \"{new string('x', 100_000)}");
        await RequireAsync(FindingKind.NewerFormat, key);
    }

    [Fact]
    public async Task A_service_that_the_repository_does_not_know_is_found_once()
    {
        foreach (var index in new[] { 0, 1, 2 })
        {
            await PlantAsync(World.Segment(index).Replace("/main/", "/lost/", StringComparison.Ordinal), await Store.ReadAllAsync(World.Segment(index), default));
        }

        // What failed before it was a service leaves a record, and that is as it should be.
        var record = (await World.Scenario.KeysAsync()).First(key => RepositoryKey.Parse(key).Kind == RepositoryKeyKind.Audit);
        await PlantAsync(record.Replace("/main/", "/never/", StringComparison.Ordinal), await Store.ReadAllAsync(record, default));
        await RequireAsync(FindingKind.UnknownService, "services/lost/");
    }

    [Fact]
    public async Task What_is_common_is_counted_and_hides_nothing_else()
    {
        for (var n = 0; n < BelongingOptions.MostOfKind + 10; n++)
        {
            await PlantAsync($"notes/{n:D3}", "x");
        }

        await PlantAsync(Segment, "plain");
        var report = await LookAsync(true);
        Assert.Equal([(FindingKind.UnexpectedName, BelongingOptions.MostOfKind + 10L), (FindingKind.NotSealed, 1L)], report.Counts);
        Assert.Equal(BelongingOptions.MostOfKind + 1, report.Findings.Count);
    }

    [Fact]
    public async Task What_cannot_be_read_is_unknown_and_never_clean()
    {
        World.Scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Read, new StorageException("r1", Segment, "permission denied", isTransient: false)).On(key => key == Segment));
        var report = await LookAsync(false);
        Assert.Equal((0, 1, false), (report.FindingCount, report.Unknown, report.Passed));
        Assert.Equal((Segment, "permission denied"), Assert.Single(report.Unknowns));
        Assert.Equal(report.Objects - 1, report.HeadsRead);

        // A repository that is gone is asked no more; names are looked at to the end.
        World.Scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Read).Repeated(int.MaxValue));
        report = await LookAsync(false, new BelongingOptions { Jobs = 1 });
        Assert.Equal((0, report.Objects, 0), (report.FindingCount, report.Unknown, report.HeadsRead));
    }

    [Fact]
    public async Task A_listing_that_breaks_off_is_unknown_and_blames_no_service()
    {
        World.Scenario.Store.Inject(StoreFault.CutListing(afterLines: 6));
        var report = await LookAsync(false);
        Assert.Equal((6, 0, false), (report.Objects, report.FindingCount, report.Passed));
        Assert.True(report.Unknown > 0);

        await Store.DeleteAsync(RepositoryLayout.Repository, default);
        await Assert.ThrowsAsync<RepositoryUnavailableException>(() => LookAsync(false));
    }

    static byte[] With(byte[] content, int at, byte value)
    {
        content[at] = value;
        return content;
    }

    static string Text(BelongingReport report) =>
        string.Join('\n', report.Findings.Select(f => $"{f.Kind} {f.Object} {f.Text}").Concat(report.Unknowns.Select(u => $"unknown {u.Name} {u.Reason}")));

    Task PlantAsync(string key, string content) => PlantAsync(key, Encoding.UTF8.GetBytes(content));

    Task PlantAsync(string key, byte[] content) => Store.PutAsync(key, ObjectContent.FromMemory(content), PutMode.Replace, default);

    Task<BelongingReport> LookAsync(bool isDirectory, BelongingOptions? options = null) => new BelongingRun(
        Store, isDirectory ? new FileTree("r1", World.Scenario.RootOf(1), TimeProvider.System) : null, TimeProvider.System).RunAsync(options ?? new BelongingOptions(), null, default);

    // By listing alone, as on a server, and through the directory.
    async Task RequireAsync(FindingKind kind, string name)
    {
        foreach (var isDirectory in new[] { true, false })
        {
            var report = await LookAsync(isDirectory);
            Assert.True(report.Counts is [(var found, 1)] && found == kind && report.Findings[0].Object == name && report.Unknown == 0, $"{kind} {name}, but:\n{Text(report)}");
        }
    }
}
