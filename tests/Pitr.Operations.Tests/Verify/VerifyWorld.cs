using System.Text;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Configuration;
using Pitr.Operations.Audit;
using Pitr.Operations.Services;
using Pitr.Operations.Tests.Backup;
using Pitr.Operations.Tests.Streaming;
using Pitr.Operations.Verify;
using Pitr.Storage;

namespace Pitr.Operations.Tests.Verify;

/// <summary>A service with at least one object of every kind in each of its repositories: two backups that share packs, WAL around them, and every document.</summary>
sealed class VerifyWorld : IAsyncDisposable
{
    const int SegmentBytes = 1 << 20;

    // Where SyntheticCluster's backups begin is in the 33rd segment of 1 MiB.
    const ulong FirstSegment = 31;
    const int Segments = 5;

    RepositoryLease? _lease;

    VerifyWorld(Scenario scenario, PostgresService service) => (Scenario, Service) = (scenario, service);

    public Scenario Scenario { get; }

    /// <summary>The service as whoever writes has it open.</summary>
    public PostgresService Service { get; }

    public SyntheticCluster Cluster { get; } = new() { Facts = SyntheticBackup.Noise };

    public WalStreamSample Wal { get; } = new(FirstSegment, Segments + 1, commitAt: Scenario.Start);

    public List<BackupDocument> Backups { get; } = [];

    /// <summary>What the newest backup uses and the first one wrote.</summary>
    public string SharedPack => Backups[^1].OlderPacks[0].Key;

    public static async Task<VerifyWorld> StartAsync(int repositories = 1, bool isWide = true)
    {
        var scenario = await Scenario.StartAsync(repositories);
        var world = new VerifyWorld(scenario, BackupRoundTripTests.Open(scenario, 1, 1 << 17));
        for (var i = 0; i < Segments; i++)
        {
            await scenario.Push.PushAsync(scenario.Write(world.Wal.Name(i), world.Wal.Segment(i)), default);
        }

        world.Cluster.Fill("base/5/1000", 40);
        world.Cluster.Fill("base/5/1001", 40);
        await world.BackUpAsync();
        if (isWide)
        {
            await world.WidenAsync();
        }

        return world;
    }

    public string Segment(int index) => Scenario.KeyOf(Wal.Name(index));

    /// <summary>Takes a backup; what it says of WAL is brought to segments of 1 MiB, and of checksums to what these pages have: none.</summary>
    public async Task<BackupDocument> BackUpAsync()
    {
        var taken = await Cluster.TakeAsync(Service);
        var size = WalSegmentSize.From(SegmentBytes);
        var wal = WalSegmentName.FromLsn(new Timeline(1), taken.StartLsn, size).ToString();
        var entry = taken with { WalSegmentSize = SegmentBytes, StartWal = wal, StopWal = wal, StopTime = taken.Started.AddSeconds(1), ChecksumVersion = 0 };
        await PutEntryAsync(entry);
        Backups.Add(entry);
        return entry;
    }

    public async Task PutEntryAsync(BackupDocument entry)
    {
        foreach (var store in Scenario.Stores)
        {
            await store.PutAsync(RepositoryLayout.Backup(Service.Name, BackupId.Parse(entry.Id)), entry.ToJson(), PutMode.Replace, default);
        }
    }

    /// <summary>Verifies as a process that begins now does.</summary>
    public async Task<VerifyReport> VerifyAsync(Func<VerifyOptions, VerifyOptions>? change = null, string state = "verifying", string identity = "identity", Func<Storage.Testing.FaultyObjectStore, IObjectStore>? wrap = null, VerifySettings? settings = null)
    {
        var service = Scenario.Open(state, identity, change: s => s with { Verify = settings ?? VerifySettings.Default }, wrap: wrap);
        var options = new VerifyOptions { Random = new Random(1), Jobs = 2 };
        return await new ServiceVerification(service).RunAsync(change?.Invoke(options) ?? options, null, null, default);
    }

    /// <summary>The same, all of it, by one who remembers nothing.</summary>
    public Task<VerifyReport> VerifyAnewAsync() => VerifyAsync(o => o with { All = true }, $"state-{Guid.NewGuid():N}");

    /// <summary>Fails if anything is found, or not everything could be asked.</summary>
    public static void RequirePassed(VerifyReport report) =>
        Assert.True(report.Passed, string.Join("\n", report.Findings.Select(f => f.ToString()).Concat(report.Repositories.Select(r => $"{r.Name}: {r.Unanswered}"))));

    async Task WidenAsync()
    {
        // Most pages stay, so that the second backup refers to the first one's packs; some of those it does not need.
        Cluster.Files.Remove("base/5/1001");
        Cluster.Files["base/5/1000"][3] = Cluster.Page();
        await BackUpAsync();
        await Scenario.PushTextAsync($"{Wal.Name(1)}.00000028.backup", WalSample.BackupHistory(Wal.Name(1), Wal.Name(1)));
        await Scenario.Push.PushAsync(Scenario.Write($"{Wal.Name(Segments - 1)}.partial", Wal.Segment(Segments - 1)), default);
        await Scenario.PushTextAsync("00000002.history", WalSample.History((1, new Lsn((FirstSegment + Segments + 4) << 20))));
        await new StreamedSegment(Scenario, Wal.Name(Segments), Wal.Segment(Segments)).StoreAsync(0, 8192, 200_000);
        var ended = Scenario.Start.AddHours(1);
        await new AuditTrail(Service).WriteAsync(
            new AuditRecord { Id = AuditTrail.NewId(ended), Service = Scenario.ServiceName, Action = "backup", Started = ended, Ended = ended, Host = "here", User = "postgres", PitrVersion = "0", ExitCode = 0 },
            default);
        var drill = DocumentDigest.Append(Encoding.UTF8.GetBytes($"{{\n  \"format\": 1,\n  \"id\": \"20261121T040000Z\",\n  \"service\": \"{Scenario.ServiceName}\",\n  \"verdict\": \"passed\"\n}}"));
        foreach (var store in Scenario.Stores)
        {
            await store.PutAsync(RepositoryLayout.DrillReport(Service.Name, "20261121T040000Z"), drill, PutMode.CreateNew, default);
        }

        _lease = await RepositoryLease.AcquireAsync(Service, "backup", default);
    }

    public async ValueTask DisposeAsync()
    {
        if (_lease is not null)
        {
            await _lease.DisposeAsync();
        }

        await Scenario.DisposeAsync();
    }
}
