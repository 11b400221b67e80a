using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Archive.Prefetch;
using Pitr.Operations.Configuration;
using Pitr.Operations.Services;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Archive.Prefetch;

/// <summary>A service, a server that recovers from it, and what serves the server.</summary>
sealed class PrefetchScenario : IAsyncDisposable
{
    PrefetchScenario(Scenario scenario, PostgresService service)
    {
        (Scenario, Service) = (scenario, service);
        Server = new RecoveringDirectory(scenario["data"]);
        Get = new PrefetchingGet(service, Budget);
    }

    public Scenario Scenario { get; }

    public PostgresService Service { get; }

    public RecoveringDirectory Server { get; }

    public PrefetchBudget Budget { get; } = new();

    public PrefetchingGet Get { get; }

    public static async Task<PrefetchScenario> StartAsync(int repositories = 1, int prefetch = 8, int mebibytes = 256)
    {
        var scenario = await Scenario.StartAsync(repositories);
        return new PrefetchScenario(scenario, scenario.Open(change: s => s with { Wal = WalSettings.Default with { Prefetch = prefetch, PrefetchSize = (long)mebibytes << 20 } }));
    }

    public static string Name(ulong number, uint timeline = 1) => WalSegmentName.FromNumber(new Timeline(timeline), number, WalSample.Small).ToString();

    /// <summary>PostgreSQL asks; gives what it would read, null for "there is none".</summary>
    public async Task<byte[]?> AskAsync(string name, TimeSpan deadline = default)
    {
        var file = WalFileName.Parse(name);
        var destination = file.Kind == WalFileKind.History ? Server.History : Server.Segment;
        // As PostgreSQL does before it asks.
        File.Delete(destination);
        if (await Get.GetAsync(file, destination, deadline, default) == ArchiveGetResult.ProvenAbsent)
        {
            Assert.False(File.Exists(destination));
            return null;
        }

        return await File.ReadAllBytesAsync(destination);
    }

    /// <summary>How often a repository was asked for this file.</summary>
    public int Questions(string name, int repository = 1) =>
        Scenario.Stores[repository - 1].Calls.Count(c => c.Operation == StoreOperation.Read && c.Key == Scenario.KeyOf(name));

    /// <summary>Segments that lie ready.</summary>
    public string[] Spooled => Directory.Exists(SpoolRoot)
        ? [.. Directory.EnumerateFiles(SpoolRoot, "*", SearchOption.AllDirectories).Select(p => Path.GetFileName(p)).Where(n => n.Length > 24).Select(n => n[..24]).Order(StringComparer.Ordinal)]
        : [];

    public string SpoolRoot => Path.Combine(Service.StateDirectory, "prefetch");

    public async Task UntilAsync(Func<bool> condition)
    {
        for (var i = 0; i < 3000 && !condition(); i++)
        {
            await Task.Delay(10);
        }

        Assert.True(condition());
    }

    public async ValueTask DisposeAsync()
    {
        await Get.DisposeAsync();
        Assert.False(Directory.Exists(SpoolRoot) && Directory.EnumerateFileSystemEntries(SpoolRoot).Any());
        Budget.Dispose();
        await Scenario.DisposeAsync();
    }
}
