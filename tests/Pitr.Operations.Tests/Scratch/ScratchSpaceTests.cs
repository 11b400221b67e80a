using Pitr.Operations.Errors;
using Pitr.Operations.Scratch;

namespace Pitr.Operations.Tests.Scratch;

/// <summary>Scratch space is one work's alone, and what a killed one left goes with the next, wherever it was.</summary>
public class ScratchSpaceTests
{
    [Fact]
    public async Task Each_purpose_has_one_at_a_time_and_nothing_stays()
    {
        await using var scenario = await Scenario.StartAsync();
        var space = ScratchSpace.Create(scenario.Service, "drill");
        Assert.Throws<BusyException>(() => ScratchSpace.Create(scenario.Service, "drill"));
        ScratchSpace.Create(scenario.Service, "extract").Dispose();
        var (root, sockets) = (Path.GetDirectoryName(space.Data)!, space.Sockets);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(root));
        Directory.CreateDirectory(space.Data);

        space.Dispose();

        Assert.False(Directory.Exists(root));
        Assert.False(Directory.Exists(sockets));
        ScratchSpace.Create(scenario.Service, "drill").Dispose();
    }

    [Fact]
    public async Task What_was_left_in_another_directory_is_found_again()
    {
        await using var scenario = await Scenario.StartAsync();
        var parent = Directory.CreateDirectory(scenario["elsewhere"]).FullName;
        File.WriteAllText(Path.Combine(parent, "not ours"), "");
        var record = Path.Combine(scenario.Service.StateDirectory, "extract.lock");
        using (var space = ScratchSpace.Create(scenario.Service, "extract", parent))
        {
            Assert.StartsWith(parent, space.Data, StringComparison.Ordinal);
        }

        Assert.Equal("", await File.ReadAllTextAsync(record));
        // A process that was killed leaves its directories, and the names of them.
        string[] left = [Path.Combine(parent, "pitr-extract-main-1"), scenario["sockets"]];
        foreach (var directory in left)
        {
            Directory.CreateDirectory(Path.Combine(directory, "data", "base"));
        }

        await File.WriteAllTextAsync(record, string.Join('\0', left));

        ScratchSpace.Create(scenario.Service, "extract").Dispose();

        Assert.All(left, directory => Assert.False(Directory.Exists(directory), directory));
        Assert.Equal(["not ours"], Directory.GetFileSystemEntries(parent).Select(Path.GetFileName));
    }

    [Fact]
    public async Task What_a_killed_one_of_another_purpose_left_goes_too_unless_it_lives()
    {
        await using var scenario = await Scenario.StartAsync();
        var left = Directory.CreateDirectory(scenario["left"]).FullName;
        var record = Path.Combine(scenario.Service.StateDirectory, "extract.lock");
        Directory.CreateDirectory(scenario.Service.StateDirectory);
        await File.WriteAllTextAsync(record, left);
        using (new FileStream(record, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            ScratchSpace.Create(scenario.Service, "drill").Dispose();
            Assert.True(Directory.Exists(left));
        }

        ScratchSpace.Create(scenario.Service, "drill").Dispose();
        Assert.False(Directory.Exists(left));
        Assert.Equal("", await File.ReadAllTextAsync(record));
    }

    [Fact]
    public void A_directory_that_is_not_there_is_refused() =>
        Assert.Contains("/nowhere", Assert.Throws<RefusedInputException>(() => ScratchSpace.RequireParent("/nowhere")).Message, StringComparison.Ordinal);
}
