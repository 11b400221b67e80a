using System.Text;
using System.Text.RegularExpressions;
using Pitr.Format.Packs;
using Pitr.Operations.Backup;
using Pitr.Operations.Restore;
using Pitr.Operations.Tests.Backup;
using Pitr.Postgres.Recovery;

namespace Pitr.Operations.Tests.Restore;

/// <summary>A backup whose files are put together, page by page, from its own packs, an older backup's and zeros.</summary>
public class OlderPacksTests
{
    const int Page = 8192;
    const int Pages = 32;
    const int OlderIndex = 1 << 20;

    [Theory]
    [InlineData(RestoreMode.New)]
    [InlineData(RestoreMode.Delta)]
    public async Task Pages_come_from_own_and_older_packs_in_any_order(RestoreMode mode)
    {
        await using var scenario = await Scenario.StartAsync();
        var older = SyntheticFile.Noise(RecordDraft.Capacity, 1);
        var own = SyntheticFile.Noise(RecordDraft.Capacity, 2);
        // One worker, so that there is one pack; the relation fills a record, so that a page's number is its place in it.
        var service = BackupRoundTripTests.Open(scenario, 1, 64 << 20);
        var first = await SyntheticBackup.TakeAsync(service, SyntheticBackup.Tar(Files(older)), Scenario.Start);
        var plan = await ClusterRestoreTests.PlanAsync(scenario, RecoveryTarget.Latest, Files(own), service, Scenario.Start.AddDays(1));
        var olderPack = File.ReadAllBytes(scenario.PathOf(first.Packs[0].Key));
        var expected = new byte[RecordDraft.Capacity];
        await SyntheticBackup.RewriteManifestAsync(scenario.Service, plan.Backup, text =>
        {
            var place = Regex.Match(text, @"""path"":""0"".*?""runs"":\[\[262144,0,(\d+),(\d+),(\d+),0\]\]", RegexOptions.None, TimeSpan.FromSeconds(10));
            Assert.True(place.Success, text);
            var runs = new StringBuilder();
            for (var page = 0; page < Pages; page++)
            {
                // Of one's own every third page, and backwards; every fifth is zeros.
                var from = Pages - 1 - page;
                var (source, pack) = page % 5 == 4 ? (null, -1) : page % 3 == 0 ? (own, 0) : (older, OlderIndex);
                source?.AsSpan(from * Page, Page).CopyTo(expected.AsSpan(page * Page));
                runs.Append(source is null ? $"[{Page}]," : $"[{Page},{pack},{place.Groups[1].Value},{place.Groups[2].Value},{place.Groups[3].Value},{from * Page}],");
            }

            text = text.Replace(place.Value, place.Value[..place.Value.IndexOf("\"runs\"", StringComparison.Ordinal)] + $"\"runs\":[{runs.ToString().TrimEnd(',')}]");
            return text.Replace("{\"type\":\"end\",\"packs\":1", $$"""
                {"type":"pack","index":{{OlderIndex}},"backup-id":"{{first.Id}}","number":0,"size":{{olderPack.Length}},"sha256":"{{first.Packs[0].Sha256}}","salt":"{{PackReader.SaltOf(olderPack)}}"}
                {"type":"end","packs":2
                """);
        });
        var restore = new ClusterRestore(scenario.Service);
        if (mode == RestoreMode.Delta)
        {
            await restore.RunAsync(plan, scenario["data"], ClusterRestoreTests.Options, null, default);
            File.WriteAllBytes(scenario["data/0"], older);
        }

        await restore.RunAsync(plan, scenario["data"], ClusterRestoreTests.Options with { Mode = mode }, null, default);

        Assert.Equal(expected, File.ReadAllBytes(scenario["data/0"]));
    }

    static SyntheticFile[] Files(byte[] relation) => 
    [
        .. SyntheticBackup.Around() is [var label, .. var rest] ? (SyntheticFile[])[label, SyntheticFile.File("0", relation), SyntheticFile.File("PG_VERSION", "15\n"u8.ToArray()), .. rest] : [],
    ];
}
