using Pitr.Operations.Errors;
using Pitr.Operations.Restore;

namespace Pitr.Operations.Tests.Restore;

public sealed class RestoreDirectoryTests : IDisposable
{
    const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    readonly string _root = Directory.CreateTempSubdirectory("pitr-restore-").FullName;

    string Target => Path.Combine(_root, "a", "data");

    [Fact]
    public void A_new_directory_is_made_private_and_marked_until_it_is_complete()
    {
        var directory = RestoreDirectory.Prepare(Target);

        Assert.Equal(OwnerOnly, File.GetUnixFileMode(Target));
        Assert.Equal([".pitr-restore-incomplete"], Directory.EnumerateFileSystemEntries(Target).Select(Path.GetFileName));
        directory.Complete();
        Assert.Empty(Directory.EnumerateFileSystemEntries(Target));
    }

    [Fact]
    public void An_empty_directory_is_made_private_too()
    {
        Directory.CreateDirectory(Target);
        File.SetUnixFileMode(Target, OwnerOnly | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);

        RestoreDirectory.Prepare(Target);

        Assert.Equal(OwnerOnly, File.GetUnixFileMode(Target));
    }

    [Theory]
    [InlineData("PG_VERSION")]
    [InlineData(".hidden")]
    public void A_directory_with_anything_in_it_is_refused_untouched(string name)
    {
        Directory.CreateDirectory(Target);
        File.WriteAllText(Path.Combine(Target, name), "precious");

        var error = Assert.Throws<ImpossiblePlanException>(() => RestoreDirectory.Prepare(Target));
        Assert.Throws<ImpossiblePlanException>(() => RestoreDirectory.RequireFillable(Target));

        Assert.Contains(Target, error.Message, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(Path.Combine(Target, name)));
        Assert.Single(Directory.EnumerateFileSystemEntries(Target));
    }

    [Fact]
    public void A_completed_restore_is_not_filled_again()
    {
        var directory = RestoreDirectory.Prepare(Target);
        File.WriteAllText(Path.Combine(Target, "PG_VERSION"), "15");
        directory.Complete();

        Assert.Throws<ImpossiblePlanException>(() => RestoreDirectory.Prepare(Target));
    }

    [Fact]
    public void What_a_killed_restore_left_is_cleared_but_nothing_beyond_it()
    {
        var outside = Path.Combine(_root, "outside");
        Directory.CreateDirectory(outside);
        File.WriteAllText(Path.Combine(outside, "file"), "precious");
        RestoreDirectory.Prepare(Target);
        Directory.CreateDirectory(Path.Combine(Target, "base", "1"));
        File.WriteAllText(Path.Combine(Target, "base", "1", "2"), "half");
        File.CreateSymbolicLink(Path.Combine(Target, "to-directory"), outside);
        File.CreateSymbolicLink(Path.Combine(Target, "to-file"), Path.Combine(outside, "file"));
        File.CreateSymbolicLink(Path.Combine(Target, "to-nowhere"), Path.Combine(outside, "none"));

        RestoreDirectory.Prepare(Target);

        Assert.Single(Directory.EnumerateFileSystemEntries(Target));
        Assert.Equal("precious", File.ReadAllText(Path.Combine(outside, "file")));
    }

    [Fact]
    public void A_file_is_no_directory()
    {
        Directory.CreateDirectory(Path.Combine(_root, "a"));
        File.WriteAllText(Target, "a file");

        Assert.Throws<ImpossiblePlanException>(() => RestoreDirectory.Prepare(Target));
        var below = Assert.Throws<ImpossiblePlanException>(() => RestoreDirectory.Prepare(Path.Combine(Target, "below")));

        Assert.Contains("cannot be prepared", below.Message, StringComparison.Ordinal);
        Assert.Equal("a file", File.ReadAllText(Target));
    }

    [Fact]
    public void A_directory_one_may_not_enter_is_refused()
    {
        if (Environment.IsPrivilegedProcess)
        {
            return;
        }

        Directory.CreateDirectory(Target);
        File.WriteAllText(Path.Combine(Target, "file"), "precious");
        File.SetUnixFileMode(Target, UnixFileMode.None);

        Assert.Throws<ImpossiblePlanException>(() => RestoreDirectory.RequireFillable(Target));
        File.SetUnixFileMode(Target, OwnerOnly);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
