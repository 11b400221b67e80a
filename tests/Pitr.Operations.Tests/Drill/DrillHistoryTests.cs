using System.Text;
using System.Text.Json;
using Pitr.Format.Layout;
using Pitr.Operations.Drill;
using Pitr.Operations.Errors;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Drill;

public class DrillHistoryTests
{
    [Fact]
    public async Task The_newest_come_first_from_every_repository_that_answers()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1, skipsWaits: true);
        await PutAsync(scenario, 0, Report(1, passed: true));
        await PutAsync(scenario, 1, Report(2, passed: false));
        await PutAsync(scenario, 0, Report(3, passed: false));
        await PutAsync(scenario, 1, Report(3, passed: false));
        var history = new DrillHistory(scenario.Service);

        var (reports, unreadable) = await history.ReadAsync(10, default);
        Assert.Equal([Id(3), Id(2), Id(1)], reports.Select(r => r.Id));
        Assert.Empty(unreadable);
        Assert.Equal([Id(3)], (await history.ReadAsync(1, default)).Reports.Select(r => r.Id));
        Assert.Equal(Id(1), (await history.FindLastPassedAsync(null, default))!.Id);

        scenario.Stores[1].Inject(StoreFault.FailBefore(StoreOperation.List).Repeated(int.MaxValue));
        await using var other = scenario.Open("other-state");
        Assert.Equal([Id(3), Id(1)], (await new DrillHistory(other).ReadAsync(10, default)).Reports.Select(r => r.Id));
        Assert.Equal("r2", Assert.Single(other.Repositories.Unanswered).Key);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"format": 2}""")]
    public async Task One_that_cannot_be_read_is_named_and_keeps_nothing_else_back(string text)
    {
        await using var scenario = await Scenario.StartAsync();
        await PutAsync(scenario, 0, Report(1, passed: true));
        var key = RepositoryLayout.DrillReport(scenario.Service.Name, Id(2));
        await scenario.Store.PutAsync(key, ObjectContent.FromMemory(Encoding.UTF8.GetBytes(text)), PutMode.CreateNew, default);
        var history = new DrillHistory(scenario.Service);

        var (reports, unreadable) = await history.ReadAsync(10, default);
        Assert.Equal(Id(1), Assert.Single(reports).Id);
        Assert.Equal(key, Assert.Single(unreadable));
        Assert.Equal(Id(1), (await history.FindLastPassedAsync(null, default))!.Id);
        await Assert.ThrowsAsync<JsonException>(() => history.FindAsync(Id(2), default));
    }

    [Fact]
    public async Task A_drill_that_is_not_there_is_refused()
    {
        await using var scenario = await Scenario.StartAsync();
        var history = new DrillHistory(scenario.Service);

        foreach (var id in new[] { Id(7), "../../keys/x", ".", "" })
        {
            Assert.Contains("pitr drill report main", (await Assert.ThrowsAsync<RefusedInputException>(() => history.FindAsync(id, default))).Hint, StringComparison.Ordinal);
        }

        Assert.Null(await history.FindLastPassedAsync(null, default));
    }

    [Fact]
    public async Task The_newest_thousand_are_kept_and_what_is_no_report_stays()
    {
        await using var scenario = await Scenario.StartAsync();
        var prefix = RepositoryLayout.DrillsPrefix(scenario.Service.Name);
        await scenario.Store.PutAsync(prefix + "00000000-notes.txt", ObjectContent.FromMemory("mine"u8.ToArray()), PutMode.CreateNew, default);
        foreach (var number in Enumerable.Range(1, DrillHistory.Kept + 2))
        {
            await scenario.Store.PutAsync(RepositoryLayout.DrillReport(scenario.Service.Name, Id(number)), ObjectContent.FromMemory("{}"u8.ToArray()), PutMode.CreateNew, default);
        }

        var history = new DrillHistory(scenario.Service);
        await history.StoreAsync(Report(5000, passed: true), default);

        var keys = await scenario.KeysAsync(prefix: prefix);
        Assert.Equal(DrillHistory.Kept + 1, keys.Count);
        Assert.Contains(prefix + "00000000-notes.txt", keys);
        Assert.Contains(RepositoryLayout.DrillReport(scenario.Service.Name, Id(5000)), keys);
        Assert.DoesNotContain(RepositoryLayout.DrillReport(scenario.Service.Name, Id(3)), keys);
        Assert.Contains(RepositoryLayout.DrillReport(scenario.Service.Name, Id(4)), keys);
    }

    [Fact]
    public async Task A_repository_that_refuses_to_delete_keeps_its_reports_and_takes_the_new_one()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, skipsWaits: true);
        scenario.Stores[0].Inject(StoreFault.FailBefore(StoreOperation.List).Repeated(int.MaxValue));
        scenario.Stores[1].Inject(StoreFault.FailBefore(StoreOperation.Put).Repeated(int.MaxValue));
        var history = new DrillHistory(scenario.Service);

        await history.StoreAsync(Report(1, passed: true), default);
        Assert.True(File.Exists(scenario.PathOf(RepositoryLayout.DrillReport(scenario.Service.Name, Id(1)))));

        scenario.Stores[0].Inject(StoreFault.FailBefore(StoreOperation.Put).Repeated(int.MaxValue));
        await Assert.ThrowsAsync<RepositoryUnavailableException>(() => history.StoreAsync(Report(2, passed: true), default));
    }

    static async Task PutAsync(Scenario scenario, int repository, DrillReport report) => await scenario.Stores[repository].PutAsync(
        RepositoryLayout.DrillReport(scenario.Service.Name, report.Id), ObjectContent.FromMemory(report.ToJson()), PutMode.CreateNew, default);

    static DrillReport Report(int number, bool passed) => DrillReportTests.Sample with { Id = Id(number), Verdict = passed ? "passed" : "failed" };

    static string Id(int number) => $"20261121T{number:000000}Z-0a1b";
}
