using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Archiving;

/// <summary>A segment that went bad on the disk before it was archived: docs/decisions/0030.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class DamagedSegmentTests(ProtectedService service) : IAsyncLifetime
{
    const int FirstRecord = 40;
    const int PageSize = 8192;

    readonly TestDirectory _directory = new();
    PitrHost? _host;
    byte[] _content = [];

    PitrHost Host => _host!;

    public async Task InitializeAsync()
    {
        _host = new PitrHost(_directory.New("host"), _directory["repository"]);
        (await _host.InitAsync($"Host={_directory.Path}", _directory["data"])).Must();
        _host.WriteConfiguration();
        (await service.Host.RunAsync("wal", "get", "main", service.FirstSegment, Offered)).Must();
        _content = await File.ReadAllBytesAsync(Offered);
    }

    public Task DisposeAsync()
    {
        _directory.Dispose();
        return Task.CompletedTask;
    }

    string Offered => Path.Combine(_directory.New("wal"), service.FirstSegment);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_is_archived_as_it_is_and_PostgreSQL_is_told_where_recovery_will_end(bool withAgent)
    {
        using var agent = withAgent ? await Host.StartAgentAsync() : null;
        _content.AsSpan(FirstRecord, PageSize - FirstRecord).Fill(0xEE);
        await File.WriteAllBytesAsync(Offered, _content);

        (await Host.ArchiveAsync("push", "main", Offered)).Must().MustSay(service.FirstSegment, "recovery will end at", "take a backup now");

        (await Host.ArchiveAsync("get", "main", service.FirstSegment, _directory["got"])).Must();
        Assert.Equal(_content, await File.ReadAllBytesAsync(_directory["got"]));
        // Asked again, after a crash say, it says so again.
        (await Host.ArchiveAsync("push", "main", Offered)).Must().MustSay("recovery will end at");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_whole_one_is_archived_without_a_word(bool withAgent)
    {
        using var agent = withAgent ? await Host.StartAgentAsync() : null;

        var push = (await Host.ArchiveAsync("push", "main", Offered)).Must();

        Assert.DoesNotContain("recovery will end", push.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_its_first_page_nobody_can_tell_whose_it_is_and_it_is_refused()
    {
        using var agent = await Host.StartAgentAsync();
        _content.AsSpan(0, FirstRecord).Fill(0xEE);
        await File.WriteAllBytesAsync(Offered, _content);

        (await Host.ArchiveAsync("push", "main", Offered)).Must(1).MustSay(service.FirstSegment, "is not what its name says", "HINT:");

        Assert.False(File.Exists(Host.WalPath(service.FirstSegment)));
    }
}
