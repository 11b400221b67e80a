using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Operations.Archive.Verify;
using Pitr.Operations.Services;
using Pitr.Operations.Verify;
using Pitr.Postgres.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Tests.Archive.Verify;

/// <summary>An archive to be damaged, and its verification.</summary>
static class VerifyScenario
{
    public static WalVerifyOptions Everything { get; } = new(null, null, null, null, 3, new Random(1));

    public static Task<WalVerifyReport> VerifyAsync(this Scenario scenario, WalVerifyOptions? options = null, PostgresService? service = null) =>
        new WalVerification(service ?? scenario.Service).RunAsync(options ?? Everything, null, null, default);

    /// <summary>Puts a WAL file past all checks, sealed as pitr seals.</summary>
    public static async Task ForgeAsync(this Scenario scenario, string name, byte[] content, int repository = 1, string? under = null)
    {
        var file = WalFileName.Parse(name);
        var key = await scenario.Service.SealingKeys.GetAsync(default);
        var systemIdentifier = file.Kind == WalFileKind.Segment ? WalSegmentHeader.Parse(content).SystemIdentifier : 0;
        var header = SealedObjectHeader.Create(
            SealedObjectKind.Wal, SealedObjectCodec.Zstd, key.Id, content.Length, WalFingerprint.Compute(systemIdentifier, file, content));
        await scenario.Stores[repository - 1].PutAsync(
            RepositoryLayout.Wal(scenario.Service.Name, WalFileName.Parse(under ?? name)),
            ObjectContent.FromMemory(SealedObject.Seal(content, key, header, 1)),
            PutMode.Replace,
            default);
    }

    /// <summary>Waits until every repository has these objects.</summary>
    public static async Task WaitAsync(this Scenario scenario, params string[] keys)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        foreach (var (store, key) in scenario.Stores.SelectMany(store => keys.Select(key => (store, key))))
        {
            while (await store.StatAsync(key, deadline.Token) is null)
            {
                await Task.Delay(5, deadline.Token);
            }
        }
    }

    public static string[] Kinds(this WalVerifyReport report) => [.. report.Findings.Select(f => f.Kind.ToString())];
}
