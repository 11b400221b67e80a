namespace Pitr.ArchiveCommand.Tests;

public sealed class ExitCodeTests
{
    static readonly IEnumerable<int> AllCodes = Enumerable.Range(0, 256).Where(code => code != ExitCode.DoItYourself);

    [Fact]
    public void A_push_is_acknowledged_only_by_0_and_never_stops_the_archiver() =>
        Assert.All(AllCodes, code => Assert.Equal(code <= 125 ? code : 1, ExitCode.FromAgent(ArchiveVerb.Push, standby: false, code)));

    [Fact]
    public void A_get_is_absent_only_by_1_and_everything_unclear_stops_recovery() =>
        Assert.All(AllCodes, code => Assert.Equal(code is 0 or 1 ? code : 126, ExitCode.FromAgent(ArchiveVerb.Get, standby: false, code)));

    [Fact]
    public void A_standby_is_never_stopped() =>
        Assert.All(AllCodes, code => Assert.Equal(code == 0 ? 0 : 1, ExitCode.FromAgent(ArchiveVerb.Get, standby: true, code)));

    [Fact]
    public void An_unclear_command_line_counts_as_an_unknown_get()
    {
        Assert.Equal(2, ExitCode.ForUsage(ArchiveVerb.Push));
        Assert.Equal(126, ExitCode.ForUsage(ArchiveVerb.Get));
        Assert.Equal(126, ExitCode.ForUsage(ArchiveVerb.None));
    }
}
