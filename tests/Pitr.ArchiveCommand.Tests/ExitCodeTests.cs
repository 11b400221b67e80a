namespace Pitr.ArchiveCommand.Tests;

public sealed class ExitCodeTests
{
    public static TheoryData<int> AllCodes => [.. Enumerable.Range(0, 256).Where(code => code != ExitCode.DoItYourself)];

    [Theory]
    [MemberData(nameof(AllCodes))]
    public void A_push_is_acknowledged_only_by_0_and_never_stops_the_archiver(int code)
    {
        var mapped = ExitCode.FromAgent(ArchiveVerb.Push, standby: false, code);

        Assert.InRange(mapped, 0, 125);
        Assert.Equal(code == 0, mapped == 0);
        Assert.Equal(code is > 0 and <= 125, mapped == code && code != 0);
    }

    [Theory]
    [MemberData(nameof(AllCodes))]
    public void A_get_is_absent_only_by_1_and_everything_unclear_stops_recovery(int code) =>
        Assert.Equal(code is 0 or 1 ? code : 126, ExitCode.FromAgent(ArchiveVerb.Get, standby: false, code));

    [Theory]
    [MemberData(nameof(AllCodes))]
    public void A_standby_is_never_stopped(int code) =>
        Assert.Equal(code == 0 ? 0 : 1, ExitCode.FromAgent(ArchiveVerb.Get, standby: true, code));

    [Fact]
    public void An_unclear_command_line_counts_as_an_unknown_get()
    {
        Assert.Equal(2, ExitCode.ForUsage(ArchiveVerb.Push));
        Assert.Equal(126, ExitCode.ForUsage(ArchiveVerb.Get));
        Assert.Equal(126, ExitCode.ForUsage(ArchiveVerb.None));
    }
}
