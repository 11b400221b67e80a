using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests;

/// <summary>A command line that is not understood: which word, what was probably meant, and nothing is done.</summary>
public sealed class UsageTests
{
    [Theory]
    [InlineData("bakcup main", "pitr has no command \"bakcup\"", "did you mean \"backup\"? commands: init, check, agent")]
    [InlineData("wal serach main", "pitr wal has no command \"serach\"", "did you mean \"search\"? commands: push, get, list, search, status, verify\n")]
    [InlineData("wall search main", "pitr has no command \"wall\"", "did you mean \"wal\"?")]
    [InlineData("repo valdiate local", "pitr repo has no command \"valdiate\"", "did you mean \"validate\"?")]
    [InlineData("key nwe", "pitr key has no command \"nwe\"", "did you mean \"new\"?")]
    [InlineData("config shwo", "pitr config has no command \"shwo\"", "did you mean \"show\"?")]
    [InlineData("-c /nowhere.yaml wal verfiy", "pitr wal has no command \"verfiy\"", "did you mean \"verify\"?")]
    [InlineData("search main", "pitr has no command \"search\"", "did you mean \"pitr wal search\"? commands: init")]
    [InlineData("xyzzy", "pitr has no command \"xyzzy\"", "HINT: commands: init, check, agent")]
    [InlineData("wal", "pitr wal needs a command", "HINT: commands: push, get, list, search, status, verify\n")]
    [InlineData("", "pitr needs a command", "HINT: commands: init, check, agent")]
    [InlineData("wal search --relaton orders", "pitr wal search has no option --relaton", "did you mean --relation? pitr wal search --help")]
    [InlineData("wal search --relaton=orders", "pitr wal search has no option --relaton", "did you mean --relation?")]
    [InlineData("backup --ouptut json", "pitr backup has no option --ouptut", "did you mean --output?")]
    [InlineData("drill", "Required argument missing", "HINT: pitr drill --help shows what it takes")]
    [InlineData("drill reprot main", "'main'", "did you mean \"pitr drill report\"? pitr drill --help")]
    [InlineData("drill report main --lats 5", "pitr drill report has no option --lats", "did you mean --last?")]
    [InlineData("backup main more", "'more'", "pitr backup --help shows what it takes")]
    public async Task The_word_that_is_not_understood_is_named_with_the_one_that_was_meant(string line, string says, string hint)
    {
        var run = (await PitrAsync(line)).Must(2).MustSay(says, hint, "HINT: ");
        Assert.Equal("", run.Output);
        Assert.Equal(2, run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Theory]
    [InlineData("wal gte main 000000010000000000000001 RECOVERYXLOG", "did you mean \"get\"?")]
    [InlineData("wal get --standbye main 000000010000000000000001 RECOVERYXLOG", "did you mean --standby?")]
    [InlineData("wal get main", "pitr wal get --help")]
    public async Task A_mistyped_restore_command_does_not_end_recovery_early(string line, string hint) => (await PitrAsync(line)).Must(126).MustSay(hint);

    [Fact]
    public async Task What_begins_with_hyphens_is_an_argument_behind_two_of_them() =>
        (await PitrAsync("-c /nowhere.yaml backup -- --odd")).Must(3).MustSay("/nowhere.yaml");

    [Fact]
    public async Task A_service_called_report_is_drilled_behind_two_hyphens()
    {
        (await PitrAsync("-c /nowhere.yaml drill report report")).Must(3).MustSay("/nowhere.yaml");
        (await PitrAsync("-c /nowhere.yaml drill -- report")).Must(3).MustSay("/nowhere.yaml");
        Assert.Contains("pitr drill report [<SERVICE> [<ID>]]", (await PitrAsync("drill report --help")).Must().Output, StringComparison.Ordinal);
    }

    static Task<ProgramRun> PitrAsync(string line) => ProgramRun.RunAsync(TestEnvironment.Pitr, line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
