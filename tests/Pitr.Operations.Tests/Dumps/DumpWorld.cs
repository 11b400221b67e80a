using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Audit;
using Pitr.Operations.Configuration;
using Pitr.Operations.Dumps;
using Pitr.Operations.Services;
using Pitr.Operations.Verify;
using Pitr.Storage;

namespace Pitr.Operations.Tests.Dumps;

/// <summary>A service with dumps of several parts in real file repositories, as <see cref="DumpRun"/> writes them.</summary>
sealed class DumpWorld : IAsyncDisposable
{
    const long PartSize = 1 << 16;

    // What is compressed and sealed comes in blocks: a part of so many bytes is closed behind the first of them.
    const long Block = 1 << 20;

    DumpWorld(Scenario scenario) => Scenario = scenario;

    public Scenario Scenario { get; }

    public List<DumpDocument> Dumps { get; } = [];

    public static async Task<DumpWorld> StartAsync(int repositories = 1, int? required = null) => new(await Scenario.StartAsync(repositories, required: required));

    /// <summary>The service as a process that begins now sees it.</summary>
    public DumpService Open(string state = "state") =>
        Scenario.OpenDumps(state, change: s => s with { Backup = new DumpStorageSettings(1, PartSize) });

    /// <summary>Takes a dump of two streams, the first of about <paramref name="parts"/> parts, which no compression makes smaller.</summary>
    public async Task<DumpDocument> DumpAsync(int parts = 3, string? script = null)
    {
        var service = Open();
        await using var source = new ScriptedDumpSource(
            ("big", script ?? $"head -c {parts * Block} /dev/urandom"), ("small", "echo hello"));
        var dump = await new DumpRun(service, source, "0").RunAsync(null, default);
        Dumps.Add(dump);
        Scenario.Clock.Advance(TimeSpan.FromMinutes(1));
        return dump;
    }

    /// <summary>One more object of every other kind that such a service has.</summary>
    public async Task WidenAsync()
    {
        var at = Scenario.Clock.GetUtcNow();
        await new AuditTrail(Open()).WriteAsync(
            new AuditRecord { Id = AuditTrail.NewId(at), Service = Scenario.ServiceName, Action = "backup", Started = at, Ended = at, Host = "here", User = "postgres", PitrVersion = "0", ExitCode = 0 }, default);
    }

    /// <summary>Verifies as a process that begins now does.</summary>
    public async Task<VerifyReport> VerifyAsync(Func<VerifyOptions, VerifyOptions>? change = null, string state = "verifying")
    {
        var options = new VerifyOptions { Random = new Random(1), Jobs = 2 };
        return await new ServiceVerification(Open(state)).RunAsync(change?.Invoke(options) ?? options, null, null, default);
    }

    /// <summary>The same, all of it, by one who remembers nothing.</summary>
    public Task<VerifyReport> VerifyAnewAsync() => VerifyAsync(o => o with { All = true }, $"state-{Guid.NewGuid():N}");

    public Task PutAsync(string key, byte[] content, int repository = 1) => Scenario.Stores[repository - 1].PutAsync(key, content, PutMode.Replace, default);

    public byte[] Read(string key, int repository = 1) => File.ReadAllBytes(Scenario.PathOf(key, repository));

    public static string Entry(DumpDocument dump) => RepositoryLayout.Dump(ServiceName.Parse(dump.Service), BackupId.Parse(dump.Id));

    public ValueTask DisposeAsync() => Scenario.DisposeAsync();
}
