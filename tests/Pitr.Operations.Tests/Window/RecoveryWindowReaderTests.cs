using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Window;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Window;

public class RecoveryWindowReaderTests
{
    [Fact]
    public async Task It_reaches_from_the_first_backups_end_to_the_last_commit()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushRunAsync(1, 1, 9, number => number == 9 ? [] : [Minute(number + 0.5)]);
        await scenario.PutBackupAsync(Minute(2), 2, 3, stopTime: Minute(3));
        await scenario.PutBackupAsync(Minute(6), 6, 6, stopTime: Minute(6));

        var window = await new RecoveryWindowReader(scenario.Service).ReadAsync(default);

        var span = Assert.Single(window.Spans);
        Assert.Equal((Minute(3), Minute(8.5), Name(1, 9)), (span.From, span.To, span.LastWal.ToString()));
        Assert.Equal(2, window.Backups.Count);
        Assert.Equal(Minute(8.5), window.LastCommit);
    }

    [Fact]
    public async Task A_gap_ends_one_span_and_the_next_backup_begins_another()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushRunAsync(1, 1, 9, number => [Minute(number + 0.5)]);
        File.Delete(scenario.PathOf(scenario.KeyOf(Name(1, 5))));
        await scenario.PutBackupAsync(Minute(2), 2, 3, stopTime: Minute(3));
        await scenario.PutBackupAsync(Minute(7), 7, 7, stopTime: Minute(7));

        var window = await new RecoveryWindowReader(scenario.Service).ReadAsync(default);

        Assert.Equal([(Minute(3), Minute(4.5)), (Minute(7), Minute(9.5))], window.Spans.Select(s => (s.From, s.To)));
    }

    [Fact]
    public async Task A_backup_without_all_its_wal_is_no_beginning()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushRunAsync(1, 1, 9, number => [Minute(number + 0.5)]);
        File.Delete(scenario.PathOf(scenario.KeyOf(Name(1, 3))));
        await scenario.PutBackupAsync(Minute(2), 2, 3, stopTime: Minute(3));

        Assert.Empty((await new RecoveryWindowReader(scenario.Service).ReadAsync(default)).Spans);
    }

    [Fact]
    public async Task Without_a_commit_after_it_a_backup_is_one_moment()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushRunAsync(1, 1, 4);
        await scenario.PutBackupAsync(Minute(2), 2, 3, stopTime: Minute(3));

        var window = await new RecoveryWindowReader(scenario.Service).ReadAsync(default);

        Assert.Equal((Minute(3), Minute(3)), (window.Spans[0].From, window.Spans[0].To));
        Assert.Null(window.LastCommit);
    }

    [Fact]
    public async Task Each_branch_has_its_own_span()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushRunAsync(1, 1, 6, number => [Minute(number + 0.5)]);
        await scenario.PushTextAsync("00000002.history", WalSample.History((1, Lsn.Parse("0/480000"))));
        await scenario.PushRunAsync(2, 4, 8, number => [Minute(number + 100.5)]);
        await scenario.PutBackupAsync(Minute(2), 2, 3, stopTime: Minute(3));

        var window = await new RecoveryWindowReader(scenario.Service).ReadAsync(default);

        Assert.Equal([(1u, Minute(6.5)), (2u, Minute(108.5))], window.Spans.Select(s => (s.Timeline.Value, s.To)));
    }

    [Fact]
    public async Task A_host_without_an_identity_sees_each_timelines_own_backups()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushRunAsync(1, 1, 6, number => [Minute(number + 0.5)]);
        await scenario.PushTextAsync("00000002.history", WalSample.History((1, Lsn.Parse("0/480000"))));
        await scenario.PushRunAsync(2, 4, 8, number => [Minute(number + 100.5)]);
        await scenario.PutBackupAsync(Minute(2), 2, 3, stopTime: Minute(3));
        await using var other = scenario.Open("other-state", identity: null);

        var window = await new RecoveryWindowReader(other).ReadAsync(default);

        Assert.Equal(1u, Assert.Single(window.Spans).Timeline.Value);
    }

    [Fact]
    public async Task What_could_not_be_listed_is_unknown_and_not_empty()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        await scenario.PushRunAsync(1, 1, 4);
        await scenario.PutBackupAsync(Minute(2), 2, 3, stopTime: Minute(3));
        foreach (var part in new[] { "backups/", "wal/" })
        {
            scenario.Stores[1].Inject(StoreFault.CutListing(0).On(p => p.EndsWith(part, StringComparison.Ordinal)));
            await Assert.ThrowsAsync<RepositoryUnavailableException>(() => new RecoveryWindowReader(scenario.Service).ReadAsync(default));
        }

        scenario.Stores[0].Inject(StoreFault.FailBefore(StoreOperation.Read).Repeated(int.MaxValue));
        await Assert.ThrowsAsync<RepositoryUnavailableException>(() => new RecoveryWindowReader(scenario.Service).ReadAsync(default));
    }

    [Fact]
    public async Task A_service_without_anything_has_an_empty_window_and_a_missing_repository_none()
    {
        await using var scenario = await Scenario.StartAsync();
        var window = await new RecoveryWindowReader(scenario.Service).ReadAsync(default);
        Assert.Empty(window.Spans);
        Assert.Null(window.Wal);

        File.Delete(scenario.PathOf(RepositoryLayout.Repository));
        await Assert.ThrowsAsync<RepositoryUnavailableException>(() => new RecoveryWindowReader(scenario.Service).ReadAsync(default));
    }

    static DateTimeOffset Minute(double minute) => Scenario.Start.AddMinutes(minute);

    static string Name(uint timeline, ulong number) => WalSegmentName.FromNumber(new Timeline(timeline), number, WalSample.Small).ToString();
}
